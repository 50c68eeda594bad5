"""Paragraphs that tell of research without saying which.

The rule. A paragraph that brings in research ("a 1999 study …", "studies suggest …", "in one
trial", "researchers found") needs a reference mark in the same paragraph, a study card or a
quote from a study right before or after it, or a mark in the next paragraph if that one brings
in no research of its own. Studies told apart by their years need a mark each. What goes on about
research ("the researchers found") needs any study cited before it, or in these places.
Questions and suppositions ("if a trial finds …", "a study can show …") are no claims.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from articles.models import body
from articles.preflight.findings import Cause, Place, Trouble
from articles.preflight.reading import Passage, Reading

UNCITED = Cause(
    "It tells of research without a mark for it: {words}.",
    "Cite the study where it is told, or leave it out.",
)

_ABOUT_RESEARCH = re.compile(
    r"stud(?:y|ies)\b|trial|review|meta-?analys|survey|experiment|research|scientist|team"
    r"|investigator|authors|overview|colleagues|paper|\bal\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.?!])[”\u2019\")]?\s+(?=[“\u2018\"(]?[A-Z0-9])")
_SUPPOSES = re.compile(
    r"\b(?:if|when|whenever|whether|unless|until|suppose|imagine|say that|ask|no|each|every|any)\b",
    re.IGNORECASE,
)

_NOUN = (
    r"(?:stud(?:y|ies)|trials?|reviews?|overviews?|meta-?analys[ie]s|experiments?|surveys?|papers?)"
)
_WORD = r"[\w/\u2019'-]+,?\s+"
# Not "can show", "did not find", "to test", "were found to": none of them tells what was found.
_FREE = (
    r"(?<!\bcan )(?<!\bcannot )(?<!\bcould )(?<!\bwould )(?<!\bmay )(?<!\bmight )(?<!\bmust )"
    r"(?<!\bshould )(?<!\bwill )(?<!\bto )(?<!\bthat )(?<!\bwere )(?<!\bbe )(?<!\bwho )"
)
_FOUND = (
    _FREE + r"\b(?:found|finds?|show(?:ed|n|s)?|suggest(?:ed|s)?|conclude[sd]?|report(?:ed|s)"
    r"|reveal(?:ed|s)?|demonstrate[sd]?|indicate[sd]?|observed|linked|discovered|resulted"
    r"|came to|confirm(?:ed|s)?|point(?:ed|s)? to|looked at|compared|tested|assessed)\b"
)
_YEAR = r"(?:19|20)\d\d"
_YEARS = re.compile(_YEAR)
# "The two studies" are known already.
_NOT_KNOWN = (
    r"(?<!\bthe )(?<!\bThe )(?<!\bthis )(?<!\bThis )(?<!\bthat )(?<!\bthese )(?<!\bThese )"
    r"(?<!\bthose )(?<!\btheir )(?<!\bboth )(?<!\ball )(?<!\bAll )"
)

# Research told apart by its year or its authors.
_DATED = [
    re.compile(pattern)
    for pattern in (
        rf"{_NOT_KNOWN}\b{_YEAR}\s+(?:(?!the\b|this\b|that\b|an?\b){_WORD}){{0,2}}?{_NOUN}\b",
        rf"\b{_NOUN}\s+\({_YEAR}\)",
        rf"\b(?:[Aa]n?|[Oo]ne|[Aa]nother)\s+(?:{_WORD}){{0,4}}?{_NOUN}\s+(?:\w+\s+){{0,3}}?"
        rf"(?:in|from)\s+{_YEAR}\b",
        rf"\b[A-Z][\w\u2019'-]+\s+et\.?\s+al\b\.?,?\s+\(?{_YEAR}\b",
        rf"\b[Ii]n\s+{_YEAR},?\s+[^.?!;:]{{0,60}}?\band colleagues\b",
    )
]
_SOME = (
    r"(?:an?|one|another|other|two|three|four|five|six|seven|several|many|some|most|numerous"
    r"|various|multiple|recent|earlier|previous|prior|past|newer|more|few|\d+)"
)
_BRINGS_IN = [
    re.compile(pattern)
    for pattern in (
        rf"{_NOT_KNOWN}(?i:\b{_SOME}\s+(?:{_WORD}){{0,4}}?{_NOUN}\b)[^.?!;:]{{0,90}}?{_FOUND}",
        r"(?:^|[Bb]ut |[Aa]nd |[Tt]hat |, )(?i:(?:[\w/-]+,?\s+){0,2}?(?:studies|trials|research))"
        rf"\s+(?:(?:have|has|also|now|both|all)\s+)*{_FOUND}",
        r"(?:^|, |[Bb]ut |[Aa]nd )(?i:(?:\w+\s+){0,1}?(?:researchers|scientists|investigators))\s+"
        rf"(?:[^.,;]{{0,60}}?\s)?{_FREE}(?:found|showed|shown|discovered|reported|concluded|learned"
        r"|observed)\b",
        rf"\b(?:[Aa]n?|[Oo]ne|[Aa]nother|[Tt]wo|[Tt]hree)\s+(?:{_WORD}){{0,3}}?teams?\b[^.?!;:]{{0,60}}?"
        rf"{_FOUND}",
        rf"\b[Ii]n\s+(?:one|another|two)\s+(?:{_WORD}){{0,3}}?{_NOUN}\b",
        rf"\b[Ii]n\s+an?\s+(?:{_WORD}){{0,3}}?{_NOUN}\s+(?:of|with)\s+\d+",
        rf"^In\s+an?\s+(?:{_WORD}){{0,3}}?{_NOUN}\b(?=[^.?!]*?(?<!\bare )(?<!\bis )(?<!\bbe )"
        r"\b(?:was|were|had|did|got|\w{2,}ed)\b)",
    )
]
_JOINED_BY = re.compile(r"^(?:, |but |and |that )", re.IGNORECASE)
_DEFINITE = re.compile(
    r"(?:the|these|those|this|that|both|all|his|her|its|their|our|my|your)\b", re.IGNORECASE
)
_GOES_ON = [
    re.compile(
        r"\b(?:[Tt]he|[Tt]hese|[Tt]his)\s+(?:[\w-]+\s+){0,2}?(?:researchers|authors|scientists"
        rf"|investigators|team|study|trial)\s+(?:[^.?!;:]{{0,30}}?\s)?{_FOUND}"
    ),
    re.compile(r"\b[A-Z][\w\u2019'-]+\s+(?:et\.?\s+al\b|and colleagues\b)"),
]


@dataclass(frozen=True)
class _Step:
    """A paragraph or a study set apart, as the rule sees it."""

    place: Place
    marks: int
    is_study: bool
    dated: tuple[str, ...] = ()
    brought: tuple[str, ...] = ()
    going_on: tuple[str, ...] = ()

    @property
    def claims(self) -> tuple[str, ...]:
        return self.dated + self.brought


def claims(reading: Reading) -> Iterator[Trouble]:
    """Paragraphs that tell of research without a mark."""
    steps = list(_steps(reading))
    cited = False
    for index, step in enumerate(steps):
        before = steps[index - 1] if index else None
        after = steps[index + 1] if index + 1 < len(steps) else None
        backed = _is_backed(step, before, after)
        cited = cited or backed
        words = () if backed else step.claims or (() if cited else step.going_on)
        yield from (Trouble(UNCITED, step.place, found) for found in words)


def _is_backed(step: _Step, before: _Step | None, after: _Step | None) -> bool:
    beside = sum(one is not None and one.is_study for one in (before, after))
    cited = step.marks + beside
    if cited or len(step.dated) > 1:
        return cited >= len(step.dated)
    return after is not None and after.marks > 0 and not after.claims


def _steps(reading: Reading) -> Iterator[_Step]:
    for part in reading.parts:
        if isinstance(part.block, body.StudyCardBlock | body.QuoteBlock) and part.study:
            yield _Step(part.place, 1, is_study=True)
        for passage in part.prose:
            if not passage.is_heading and passage.tag != "title":
                yield _step(passage)


def _step(passage: Passage) -> _Step:
    marks = len(passage.keys)
    if not _ABOUT_RESEARCH.search(passage.text):
        return _Step(passage.place, marks, is_study=False)
    dated: list[str] = []
    brought: list[str] = []
    going_on: list[str] = []
    for sentence in _SENTENCE_END.split(passage.text):
        if not _ABOUT_RESEARCH.search(sentence) or sentence.rstrip('”" ').endswith("?"):
            continue
        here = _dated(sentence)
        dated += here
        if not here:
            brought += _first(sentence)
        going_on += [found[0] for pattern in _GOES_ON if (found := pattern.search(sentence))]
    return _Step(passage.place, marks, False, tuple(dated), tuple(brought), tuple(going_on))


def _dated(sentence: str) -> list[str]:
    """The words by which a sentence tells studies apart, one for each year."""
    found = [match[0] for pattern in _DATED for match in pattern.finditer(sentence)]
    return list({_YEARS.findall(words)[-1]: words for words in reversed(found)}.values())[::-1]


def _first(sentence: str) -> list[str]:
    """The words by which a sentence brings in research, if it does."""
    for pattern in _BRINGS_IN:
        found = pattern.search(sentence)
        if found and not _supposes(sentence, found) and not _is_known(found[0]):
            return [found[0].strip(", ")]
    return []


def _is_known(phrase: str) -> bool:
    """Whether the research was named before, as in "but these studies show"."""
    return bool(_DEFINITE.match(_JOINED_BY.sub("", phrase)))


def _supposes(sentence: str, found: re.Match[str]) -> bool:
    return bool(_SUPPOSES.search(sentence[: found.end()]))
