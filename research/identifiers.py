"""Identifiers of publications, brought to one form."""

import re

_WORD = r"(?:doi(?:\s*:\s*|\s+))?"
_PREFIX = re.compile(rf"^{_WORD}(?:https?://)?(?:(?:dx\.|www\.)?doi\.org/)?{_WORD}", re.IGNORECASE)
# The shape that the DOI handbook gives: directory 10, registrant, slash, any suffix.
_DOI = re.compile(r"^10\.\d{4,9}/\S+$")


def normalise_doi(text: str) -> str:
    """A DOI as it is compared: bare, lower-case, without the dot that ended a sentence.

    Accepts https://doi.org/…, doi:… and the bare form. Raises ValueError if it is no DOI.
    """
    doi = _PREFIX.sub("", text.strip()).rstrip(".,;").lower()
    if not _DOI.match(doi):
        raise ValueError(f"{text!r} is not a DOI: one looks like 10.1155/2019/2623161")
    return doi
