"""Identifiers of publications, brought to one form."""

import re
from typing import Literal
from urllib.parse import quote, unquote

_WORD = r"(?:doi(?:\s*:\s*|\s+))?"
# The resolver, also as a library's proxy writes it: doi-org.proxy.example.edu.
_HOST = r"(?:(?:dx\.|www\.)?doi\.org|(?:dx-|www-)?doi[.-]org\.[\w.-]+)"
_RESOLVER = re.compile(rf"^{_WORD}(?:https?://)?{_HOST}/{_WORD}", re.IGNORECASE)
# A proxy that holds the whole address, and publishers whose own address is /doi/ and the DOI.
_WRAPPED = re.compile(
    r"^https?://\S+?(?:url=https?(?::|%3a)(?:/|%2f){2}(?:dx\.)?doi\.org(?:/|%2f)"
    r"|/doi/(?:(?:abs|full|epub|pdf|epdf|pdfdirect|pdfplus|book|10\.1111)/)?(?=10\.))",
    re.IGNORECASE,
)
_BARE = re.compile(rf"^{_WORD}", re.IGNORECASE)
# The shape that the DOI handbook gives: directory 10, registrant, slash, any suffix.
_DOI = re.compile(r"^10\.[0-9]{4,9}(?:\.[0-9]+)*/\S+$")
_QUERY = re.compile(r"\?[\w.~-]+=.*$")
# "#" can be the last sign of an old DOI, where it checks the rest: (SICI)…3.0.CO;2-#.
_FRAGMENT = re.compile(r"(?<!;2-)#[^/<>]*$")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_OPENING = "([{<\"'\u201c\u2018\u00ab"
_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<"}
_AFTER = ".,;:\"'\u201d\u2019\u00bb"

_PMID = re.compile(r"[1-9][0-9]{0,7}")
_PMID_PREFIX = re.compile(
    r"^(?:(?:https?://)?(?:www\.)?(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed"
    r"|ncbi\.nlm\.nih\.gov/m/pubmed)/|(?:pmid|pubmed(?:\s+id)?)\s*:?\s*)",
    re.IGNORECASE,
)


def normalise_doi(text: str) -> str:
    """A DOI as it is compared: bare, lower-case, without what stood around it in a text.

    Accepts https://doi.org/… (escaped, with a query, through a library's proxy), a publisher's
    …/doi/… address, doi:… and the bare form. Raises ValueError if it is no DOI.
    """
    doi = _untangled(_trimmed(_INVISIBLE.sub("", text))).lower()
    if not (_DOI.match(doi) and doi.isprintable()):
        raise ValueError(f"{_quoted(text)} is not a DOI: one looks like 10.1155/2019/2623161")
    return doi


def normalise_pmid(text: str) -> str:
    """A PMID as its digits, without leading zeros.

    Accepts the number, "PMID: 31275544" and PubMed's addresses. Raises ValueError if it is none.
    """
    bare = _PMID_PREFIX.sub("", _trimmed(_INVISIBLE.sub("", text)))
    pmid = re.split(r"[/?#]", bare, maxsplit=1)[0].lstrip("0")
    if not _PMID.fullmatch(pmid):
        raise ValueError(f"{_quoted(text)} is not a PMID: one is a number such as 31275544")
    return pmid


def identify(text: str) -> tuple[Literal["doi", "pmid"], str]:
    """What a pasted text names: ("doi", …) or ("pmid", …), in its one form.

    Raises ValueError, with a sentence for the editor, if it is neither.
    """
    if "10." in text:
        return "doi", normalise_doi(text)
    try:
        return "pmid", normalise_pmid(text)
    except ValueError:
        raise ValueError(
            f"{_quoted(text)} is neither a DOI nor a PMID: paste one such as"
            " 10.1155/2019/2623161 or 31275544"
        ) from None


def doi_url(doi: str) -> str:
    """The address that resolves this DOI."""
    # Old DOIs hold signs such as # and <, which an address would take for its own.
    return f"https://doi.org/{quote(doi, safe='/:;()._-')}"


def pubmed_url(pmid: str) -> str:
    """The address of this PMID in PubMed."""
    return f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"


def _untangled(text: str) -> str:
    """What stands behind the resolver's address, as the DOI that it names."""
    for address in (_RESOLVER, _WRAPPED):
        doi, found = address.subn("", text, count=1)
        if found:
            return _trimmed(unquote(_FRAGMENT.sub("", _QUERY.sub("", doi))))
    doi = _BARE.sub("", text)
    # Without the slash it is escaped; an escape elsewhere may be the DOI's own.
    return _trimmed(_QUERY.sub("", doi if "/" in doi else unquote(doi)))


def _quoted(text: str) -> str:
    """What was typed, short enough to stand in a sentence."""
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else f"{line[:59]}…")


def _trimmed(text: str) -> str:
    """Without spaces, quotes, brackets around it and the stop that ended a sentence."""
    text = text.strip().lstrip(_OPENING)
    while text and (text[-1] in _AFTER or _closes_nothing(text)):
        text = text[:-1].rstrip()
    return text


def _closes_nothing(text: str) -> bool:
    opened = _CLOSING.get(text[-1])
    return opened is not None and text.count(opened) < text.count(text[-1])
