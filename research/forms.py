"""What editors type about studies, and what is wrong with it in words."""

import re
from typing import Any

from django import forms

from research.identifiers import identify
from research.importing import MAX_BYTES
from research.models import Study

# A name that ends like initials: "Gentile E", "Park J-H".
_ENDS_IN_INITIALS = re.compile(r"\w\s+(?:[A-Z]\.?-?){1,3}$")


class IdentifierForm(forms.Form):
    """One field that takes a DOI or a PMID in any form."""

    identifier = forms.CharField(
        label="DOI or PMID",
        max_length=500,
        help_text="Paste it in any form, such as https://doi.org/10.1155/2019/2623161, "
        "PMID 31275544, or the address of its page in PubMed.",
        widget=forms.TextInput(
            attrs={"class": "vTextField", "autofocus": True, "autocomplete": "off"}
        ),
    )

    def clean_identifier(self) -> str:
        """What was typed, if it names a DOI or PMID. Raises ValidationError otherwise."""
        text = str(self.cleaned_data["identifier"])
        try:
            identify(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return text


class FileForm(forms.Form):
    """The file of a reference manager."""

    file = forms.FileField(
        label="File",
        help_text=f"BibTeX, RIS or CSL-JSON, up to {MAX_BYTES // 1_000_000} MB. Zotero, Mendeley, "
        "EndNote and PubMed write these.",
        error_messages={"empty": "This file is empty."},
    )


class StudyForm(forms.ModelForm):
    """A study, with its authors read line by line."""

    class Meta:
        model = Study
        fields = "__all__"  # noqa: DJ007 -- the admin names them
        # A handful: all in sight, and one key each.
        widgets = {"conditions": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "authors" in self.fields:
            self.fields["authors"].widget.attrs.update(rows=6)

    def clean_authors(self) -> str:
        """The authors, one a line. Raises ValidationError that names each line that is wrong."""
        lines = [" ".join(line.split()) for line in self.cleaned_data["authors"].splitlines()]
        text = "\n".join(line for line in lines if line)
        # What a source wrote is taken as it is.
        if text == "\n".join(self.initial.get("authors", "").splitlines()):
            return text
        faults = [
            f"Line {number}: {fault}"
            for number, line in enumerate(lines, start=1)
            if (fault := _what_is_wrong(line, is_last=not any(lines[number:])))
        ]
        if faults:
            raise forms.ValidationError(faults)
        return text


def _what_is_wrong(line: str, *, is_last: bool) -> str:
    """What an editor should change in a line of authors; "" if it is right."""
    if line.startswith("{") != line.endswith("}"):
        return "a group in braces begins with { and ends with }."
    if line.startswith("{") or not line:
        return ""
    if line.casefold().rstrip(".") in {"et al", "and others"}:
        return "" if is_last else "“et al.” stands last; move it to the end."
    if _holds_several(line):
        return "this looks like several authors. Put each on a line of its own."
    if "," not in line and _ENDS_IN_INITIALS.search(line):
        family, _, given = line.rpartition(" ")
        return f"write a person with a comma, “{family}, {given}”, or a group as “{{{line}}}”."
    return ""


def _holds_several(line: str) -> bool:
    parts = [part.strip() for part in line.split(",")]
    in_initials = sum(1 for part in parts if _ENDS_IN_INITIALS.search(part))
    return ";" in line or " and " in f" {parts[-1]} " or in_initials > 1
