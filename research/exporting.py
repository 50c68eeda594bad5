"""Studies as files for reference managers: RIS, BibTeX and CSL-JSON."""

from collections.abc import Callable, Iterable

from django.http import HttpResponse

from research.formats.bibtex import as_bibtex
from research.formats.csl import as_csl_json
from research.formats.ris import as_ris
from research.models import Study

# By the ending of the address: how to write it, and its content type.
FORMATS: dict[str, tuple[Callable[[Iterable[Study]], str], str]] = {
    "ris": (as_ris, "application/x-research-info-systems"),
    "bib": (as_bibtex, "application/x-bibtex"),
    "json": (as_csl_json, "application/vnd.citationstyles.csl+json"),
}
EXPORT_LABELS = [("ris", "RIS"), ("bib", "BibTeX"), ("json", "CSL-JSON")]


def studies_as_file(studies: Iterable[Study], form: str, name: str) -> HttpResponse:
    """These studies as a file to save, called `name` with the ending of the form."""
    write, content_type = FORMATS[form]
    response = HttpResponse(write(studies), content_type=f"{content_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response
