"""What an operator fills in to bring a list."""

from typing import Any

from django import forms

from newsletter.moving.formats import ROLES, Layout

_LABELS = {
    "address": "E-mail address",
    "status": "Status",
    "left": "Left or unsubscribed",
    "agreed": "Date of consent",
    "tags": "Tags",
}
_NO_COLUMN = ("", "no column")


class FileForm(forms.Form):
    """The file itself."""

    file = forms.FileField(
        help_text="CSV as Mailchimp, MailPoet, listmonk, Ghost, Substack, Brevo, Kit, Buttondown, "
        "the Newsletter plugin or a spreadsheet write it, or our own export. Up to 500 MB.",
        error_messages={"required": "Choose a file.", "empty": "This file is empty."},
    )


class ColumnsForm(forms.Form):
    """Which column of a file is what; all other columns, names among them, are not read."""

    day_first = forms.BooleanField(
        required=False, label="Dates are written day first", help_text="As in 31/12/2025."
    )

    def __init__(self, layout: Layout, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        headings = [(str(place), name) for place, name in enumerate(layout.sheet.headings)]
        for role, meaning in ROLES.items():
            needed = role == "address"
            self.fields[role] = forms.ChoiceField(
                label=_LABELS[role],
                choices=headings if needed else [_NO_COLUMN, *headings],
                required=needed,
                help_text=meaning[0].upper() + meaning[1:] + ".",
                initial=str(layout.columns.get(role, "")),
            )
        self.fields["day_first"].initial = layout.day_first
        self.order_fields([*ROLES, "day_first"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        chosen = [cleaned[role] for role in ROLES if cleaned.get(role)]
        if len(set(chosen)) < len(chosen):
            raise forms.ValidationError("One column cannot be two things.")
        return cleaned

    def columns(self) -> dict[str, int]:
        """The place of each column that was named."""
        return {role: int(self.cleaned_data[role]) for role in ROLES if self.cleaned_data.get(role)}


class AttestForm(forms.Form):
    """Whence the addresses come, how their owners agreed, and that somebody stands for it."""

    whence = forms.CharField(
        label="Where do these addresses come from?",
        max_length=200,
        help_text="Such as: our list at Mailchimp since 2018, exported today.",
        error_messages={"required": "Say where these addresses come from."},
    )
    basis = forms.CharField(
        label="How did these people agree to get mail from you?",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Such as: each confirmed by a link in a mail (double opt-in).",
        error_messages={"required": "Say how these people agreed."},
    )
    with_topics = forms.BooleanField(
        required=False,
        label="They also chose the topics in their tags",
        help_text="A topic tells of an illness: only if they chose it themselves, for this use. "
        "Otherwise they get all topics and may choose.",
    )
    sure = forms.BooleanField(
        label="I attest that this is so, and that I can show it",
        error_messages={"required": "Without this, nothing is imported."},
    )

    def words(self, by: str) -> str:
        """The attestation as it is stored."""
        given = self.cleaned_data
        topics = " Topics: chosen by them." if given["with_topics"] else ""
        return f"Attested by {by}. From: {given['whence']}. Basis: {given['basis']}{topics}"
