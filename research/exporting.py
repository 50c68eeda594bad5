"""Studies as reference managers read them: RIS, BibTeX and CSL-JSON."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from research.models import Study

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def as_ris(studies: Iterable[Study]) -> str:
    """The RIS form: one tag a line, CRLF, an empty line between records."""
    return "\r\n".join("".join(_ris_lines(study)) for study in studies)


def as_bibtex(studies: Iterable[Study]) -> str:
    """The BibTeX form in UTF-8; signs that LaTeX takes for its own are escaped."""
    return "\n".join(_bibtex(study) for study in studies)


def as_csl_json(studies: Iterable[Study]) -> str:
    """The CSL-JSON form: a list, which citeproc and Zotero read."""
    return json.dumps([_csl(study) for study in studies], ensure_ascii=False, indent=2) + "\n"


# By the ending of the address: how to write it, and its content type.
FORMATS: dict[str, tuple[Callable[[Iterable[Study]], str], str]] = {
    "ris": (as_ris, "application/x-research-info-systems"),
    "bib": (as_bibtex, "application/x-bibtex"),
    "json": (as_csl_json, "application/vnd.citationstyles.csl+json"),
}


def _ris_lines(study: Study) -> Iterator[str]:
    first_page, last_page = _page_range(study.pages)
    fields = [
        ("TY", "JOUR"),
        *(
            ("AU", f"{name.family}, {name.given}" if name.given else name.family)
            for name in study.names
        ),
        ("TI", study.title),
        ("JO", study.journal),
        ("PY", str(study.year)),
        ("VL", study.volume),
        ("IS", study.issue),
        ("SP", first_page),
        ("EP", last_page),
        ("DO", study.doi),
        ("UR", study.doi_url),
    ]
    yield from (f"{tag}  - {value}\r\n" for tag, value in fields if value)
    yield "ER  - \r\n"


def _bibtex(study: Study) -> str:
    names = [
        f"{{{_latex(n.family)}}}, {_latex(n.given)}" if n.given else f"{{{_latex(n.family)}}}"
        for n in study.names
    ]
    fields = {
        "author": " and ".join([*names, *(["others"] if study.has_more_authors else [])]),
        "title": f"{{{_latex(study.title)}}}",
        "journal": _latex(study.journal),
        "year": str(study.year),
        "volume": _latex(study.volume),
        "number": _latex(study.issue),
        "pages": _latex(study.pages).replace("-", "--"),
        "doi": study.doi,
    }
    rows = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@article{{{study.slug},\n" + ",\n".join(rows) + "\n}\n"


def _csl(study: Study) -> dict[str, Any]:
    record = {
        "id": study.slug,
        "type": "article-journal",
        "title": study.title,
        "author": [
            {"family": name.family, "given": name.given} if name.given else {"literal": name.family}
            for name in study.names
        ],
        "container-title": study.journal,
        "issued": {"date-parts": [[study.year]]},
        "volume": study.volume,
        "issue": study.issue,
        "page": study.pages,
        "DOI": study.doi,
        "URL": study.doi_url,
    }
    return {key: value for key, value in record.items() if value}


def _page_range(pages: str) -> tuple[str, str]:
    first, _, last = pages.partition("-")
    return first.strip(), last.strip()


def _latex(text: str) -> str:
    return re.sub(r"[\\{}&%$#_~^]", lambda sign: _LATEX[sign[0]], text)
