"""Marks without references, references without marks, and references that disagree."""

import re
from collections.abc import Iterable, Iterator
from itertools import combinations

from articles.models import Article, Term, body
from articles.models.references import AbstractReference
from articles.preflight.findings import Cause, Place, Trouble
from articles.preflight.reading import Part, Reading
from articles.prose import term_slugs
from research.models import Study

ORPHAN_MARK = Cause(
    "A mark names what no reference and no study has: {words}.",
    "Remove the mark and cite the study again.",
    stops=True,
)
ORPHAN_REFERENCE = Cause(
    "It is listed, but no mark in the text leads to it.",
    "Mark the place that it supports, or delete it.",
)
NO_TERM = Cause(
    "A word is marked for the glossary, which has no such term: {words}.",
    "Add the term to the glossary, or remove the mark.",
)
BARE_QUOTE = Cause(
    "Nobody can tell who says this.", "Name the study that it stands in, or who said it."
)
NO_STUDY = Cause(
    "It is a research summary without a study among its references.",
    "Add the study by its DOI and mark it in the text, or choose another kind of article.",
)
RETRACTED = Cause(
    "It cites a retracted study: {words}.",
    "Say in the text that it was retracted, or rest the point on another study.",
)
TWO_JOURNALS = Cause(
    "A journal is written in two ways: {words}.",
    "Write it as the publisher does, everywhere.",
)
AT_AL = Cause("It says {words}.", "Write “et al.”, which is short for “and others”.")

_AT_AL = re.compile(r"\b[Aa]t\.? al\b\.?")
# In "Kim PS, Fishman MA. Curr Pain Headache Rep 24:64": what stands before volume and page.
_JOURNAL = re.compile(r"((?:[A-Z][\w&-]*\.?\s+(?:(?:of|the|and|in|&)\s+)*){2,8})\d+\s*[(:]")
_INITIALS = re.compile(r".*\b[A-Z]{1,3}\.\s+")
_SMALL_WORDS = {"of", "the", "and", "in", "for", "&"}
# So many words cut short in a name of the same length are an abbreviation of the same journal.
MIN_CUT_SHORT = 2


def marks(reading: Reading) -> Iterator[Trouble]:
    """Marks that lead nowhere, pull quotes of nobody, and citations of retracted studies."""
    known = {reference.key for reference, _ in reading.references} | set(reading.studies)
    for part in reading.parts:
        keys = [key for passage in part.prose for key in passage.keys]
        yield from (Trouble(ORPHAN_MARK, part.place, key) for key in keys if key not in known)
        if isinstance(part.block, body.QuoteBlock) and not (part.study or part.block.source):
            yield Trouble(BARE_QUOTE, part.place)
    yield from _without_term(reading.parts)
    yield from _retracted(reading)


def _without_term(parts: Iterable[Part]) -> Iterator[Trouble]:
    marked = [(part.place, slug) for part in parts for slug in term_slugs(part.html)]
    slugs = {slug for _, slug in marked}
    if not slugs:
        return
    known = set(Term.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    yield from (Trouble(NO_TERM, place, slug) for place, slug in marked if slug not in known)


def _retracted(reading: Reading) -> Iterator[Trouble]:
    """Each retracted study once, where it is first cited."""
    cited: dict[str, tuple[Study, Place]] = {}
    for part in reading.parts:
        here = [reading.studies.get(key) for passage in part.prose for key in passage.keys]
        for study in (*here, part.study):
            if study:
                cited.setdefault(study.slug, (study, part.place))
    for reference, place in reading.references:
        if reference.study:
            cited.setdefault(reference.key, (reference.study, place))
    for study, place in cited.values():
        if study.status == Study.Status.RETRACTED:
            yield Trouble(RETRACTED, place, str(study))


def listed(reading: Reading) -> Iterator[Trouble]:
    """References that no mark leads to, and a research summary of no study."""
    marked = {key for part in reading.parts for passage in part.prose for key in passage.keys}
    marked |= {part.study.slug for part in reading.parts if part.study}
    for reference, place in reading.references:
        if reference.key not in marked:
            yield Trouble(ORPHAN_REFERENCE, place)
    document = reading.document
    is_summary = isinstance(document, Article) and document.kind == Article.Kind.RESEARCH_SUMMARY
    if is_summary and not _has_study(reading):
        yield Trouble(NO_STUDY, reading.whole)


def _has_study(reading: Reading) -> bool:
    return bool(reading.studies) or any(reference.study_id for reference, _ in reading.references)


def written(reading: Reading) -> Iterator[Trouble]:
    """Slips in how references are written: journals in two ways, "at al."."""
    journals: dict[str, Place] = {}
    for reference, place in reading.references:
        if name := journal_of(reference):
            journals.setdefault(name, place)
    for one, other in combinations(journals, 2):
        if is_same_journal(one, other):
            yield from (Trouble(TWO_JOURNALS, journals[other], name) for name in (one, other))
    texts = [(place, _authors_of(reference)) for reference, place in reading.references]
    texts += [(passage.place, passage.text) for passage in reading.passages]
    for place, text in texts:
        yield from (Trouble(AT_AL, place, found) for found in _AT_AL.findall(text))


def _authors_of(reference: AbstractReference) -> str:
    return reference.study.authors if reference.study else reference.source


def journal_of(reference: AbstractReference) -> str:
    """The journal of a reference as it is written there; "" if none is to be seen."""
    if reference.study:
        return reference.study.journal
    found = _JOURNAL.search(reference.source)
    return _INITIALS.sub("", found[1]).strip() if found else ""


def is_same_journal(one: str, other: str) -> bool:
    """Whether two names of journals that differ are one journal's.

    They are if they have the same words in another order or with other signs, or if at least
    two words of one are cut short in the other. One alone is not enough: "Arthritis Rheum" and
    "Arthritis Rheumatol" are two journals.
    """
    first, second = _words_of(one), _words_of(other)
    if sorted(first) == sorted(second):
        return one != other and len(first) > 1
    if len(first) != len(second):
        return False
    pairs = list(zip(first, second, strict=True))
    cut = [pair for pair in pairs if pair[0] != pair[1]]
    return len(cut) >= MIN_CUT_SHORT and (
        all(b.startswith(a) for a, b in pairs) or all(a.startswith(b) for a, b in pairs)
    )


def _words_of(journal: str) -> list[str]:
    words = (word.strip(".,:").lower() for word in journal.split())
    return [word for word in words if word and word not in _SMALL_WORDS]
