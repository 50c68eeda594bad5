"""Questions to Crossref and PubMed: short, polite, and answered by a record or by a sentence.

Crossref's etiquette: https://www.crossref.org/documentation/retrieve-metadata/rest-api/
NCBI's: https://www.ncbi.nlm.nih.gov/books/NBK25497/
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urljoin, urlsplit

import urllib3
from django.conf import settings
from django.utils import timezone

from research.records import Record
from research.sources import crossref, pubmed

# An editor waits for the answer, so all tries together take no longer than this.
SECONDS = 10.0
TRIES = 3
FIRST_PAUSE = 0.5
# Works of large collaborations name three thousand authors; nothing real is larger than this.
MAX_BYTES = 5_000_000
MAX_REDIRECTS = 3
_MOVED = {301, 302, 303, 307, 308}
_BUSY = {429, 500, 502, 503, 504}


class LookUpFailedError(Exception):
    """No record; the text is a sentence for the editor."""


class NotKnownError(LookUpFailedError):
    """The source answered that it has no such publication."""


class UnreachableError(LookUpFailedError):
    """The source gave no answer that can be used; another time it may."""


class Answer(NamedTuple):
    """What a source said, and which one did."""

    source: str
    record: Record


def look_up(kind: str, identifier: str) -> Answer:
    """The record of a DOI ("doi") or PMID ("pmid") in its one form.

    A PMID leads to its DOI and so to Crossref, whose records are fuller; if Crossref has none or
    is down, PubMed's own record counts. Takes SECONDS at most. Raises LookUpFailedError.
    """
    deadline = time.monotonic() + SECONDS
    if kind == "doi":
        return Answer("Crossref", crossref.parse(crossref_work(identifier, deadline=deadline)))
    found = pubmed_record(identifier, deadline=deadline)
    if not found.doi:
        return Answer("PubMed", found)
    try:
        fuller = crossref.parse(crossref_work(found.doi, deadline=deadline))
    except LookUpFailedError:
        return Answer("PubMed", found)
    return Answer(
        "Crossref", replace(fuller, pmid=found.pmid, notices=(*fuller.notices, *found.notices))
    )


def crossref_work(doi: str, *, deadline: float | None = None) -> dict[str, Any]:
    """What Crossref says of a DOI, as `crossref.parse` reads it. Raises LookUpFailedError."""
    query = urlencode({"mailto": settings.RESEARCH_CONTACT})
    address = f"{settings.CROSSREF_URL}/works/{quote(doi, safe='')}?{query}"
    body = _get("Crossref", address, "DOI", deadline or time.monotonic() + SECONDS)
    try:
        work = json.loads(body)["message"]
        crossref.parse(work)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _not_understood("Crossref") from error
    return work


def crossref_works(asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """The works that Crossref lists for `asked` (filter, select, rows). Raises LookUpFailedError.

    A DOI that it does not hold is not in the list; NotKnownError means that it refused the
    question itself.
    """
    query = urlencode({**asked, "mailto": settings.RESEARCH_CONTACT})
    address = f"{settings.CROSSREF_URL}/works?{query}"
    body = _get("Crossref", address, "DOI", time.monotonic() + SECONDS)
    try:
        works = json.loads(body)["message"]["items"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _not_understood("Crossref") from error
    if not isinstance(works, list):
        raise _not_understood("Crossref")
    return [work for work in works if isinstance(work, dict)]


def pubmed_record(pmid: str, *, deadline: float | None = None) -> Record:
    """PubMed's record of a PMID. Raises LookUpFailedError."""
    asked = {
        "db": "pubmed",
        "id": pmid,
        "retmode": "xml",
        "tool": "fibrosite",
        "email": settings.RESEARCH_CONTACT,
    }
    address = f"{settings.PUBMED_URL}/efetch.fcgi?{urlencode(asked)}"
    body = _get("PubMed", address, "PMID", deadline or time.monotonic() + SECONDS)
    try:
        records = pubmed.parse(body.decode())
    except ValueError as error:
        raise _not_understood("PubMed") from error
    found = next((record for record in records if record.pmid == pmid), None)
    if found is None:
        raise NotKnownError("PubMed does not know this PMID.")
    return found


def _not_understood(source: str) -> UnreachableError:
    return UnreachableError(f"{source} answered, but with something that cannot be read.")


def _get(source: str, address: str, identifier: str, deadline: float) -> bytes:
    """The body of a good answer, after up to TRIES questions. Raises LookUpFailedError."""
    pause = FIRST_PAUSE
    for _ in range(TRIES):
        try:
            status, headers, body = _ask(address, deadline)
        except TooMuchError as error:
            raise _not_understood(source) from error
        except (urllib3.exceptions.HTTPError, OSError):
            status, headers, body = 0, {}, b""
        if status == 200:
            return body
        # NCBI answers 400 to a number that it has not given out yet.
        if status in {400, 404}:
            raise NotKnownError(f"{source} does not know this {identifier}.")
        if status and status not in _BUSY:
            raise UnreachableError(f"{source} refused to answer (status {status}).")
        wait = max(pause, _asked_to_wait(headers))
        if time.monotonic() + wait >= deadline:
            break
        time.sleep(wait)
        pause *= 2
    raise UnreachableError(f"{source} did not answer.")


class TooMuchError(Exception):
    """The answer is larger than any record, or leads away from the source."""


def _ask(address: str, deadline: float) -> tuple[int, Mapping[str, str], bytes]:
    """Ask once, following the source within its own host."""
    with urllib3.PoolManager(retries=False, headers=_introduction()) as pool:
        for _ in range(MAX_REDIRECTS + 1):
            left = max(deadline - time.monotonic(), 0.1)
            answer = pool.request(
                "GET", address, redirect=False, preload_content=False, decode_content=False,
                timeout=urllib3.Timeout(connect=min(left, 4), read=left, total=left),
            )  # fmt: skip
            with answer:
                if answer.status not in _MOVED:
                    return answer.status, answer.headers, _read(answer, deadline)
            address = _same_host(address, answer.headers.get("Location", ""))
    raise TooMuchError


def _read(answer: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    body = bytearray()
    # One packet at a time: a source that drips must not outlive the deadline.
    while chunk := answer.read1(65_536):
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooMuchError
        if time.monotonic() > deadline:
            raise TimeoutError
    expected = answer.headers.get("Content-Length", "")
    if expected.isdigit() and len(body) < int(expected):
        raise ConnectionError
    return bytes(body)


def _same_host(address: str, location: str) -> str:
    target = urljoin(address, location)
    if urlsplit(target)[:2] != urlsplit(address)[:2]:
        raise TooMuchError
    return target


def _introduction() -> dict[str, str]:
    who = f"{settings.SITE_URL}; mailto:{settings.RESEARCH_CONTACT}"
    return {"User-Agent": f"Fibrosite/{settings.VERSION} ({who})", "Accept-Encoding": "identity"}


def _asked_to_wait(headers: Mapping[str, str]) -> float:
    """Seconds of a Retry-After, in either of its forms; 0 without one."""
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return (parsedate_to_datetime(value) - timezone.now()).total_seconds()
    except (ValueError, TypeError):
        return 0.0
