"""Bodies as readers see them: marks get their numbers here, and nowhere else."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from string import ascii_lowercase

from django.template.loader import get_template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from articles.bodies import Document, blocks_of, keys_cited
from articles.models import ArticleCallout, Term, body
from articles.models.references import AbstractReference
from articles.prose import headings, term_slugs
from research.citing import reference_html
from research.models import Study

# A body with fewer headings is seen at a glance.
MIN_CONTENTS = 3
# From so many neighbours on, numbers are drawn together: the first, a dash, the last.
MIN_RANGE = 3
EN_DASH = "\u2013"
SPACE = "&nbsp;"

_MARK = r'<cite-ref data-key="([-\w]+)"></cite-ref>'
_BETWEEN = rf"(?:[\s,;]|{SPACE})*"
_MARKS = re.compile(rf"{_MARK}(?:{_BETWEEN}{_MARK})*")
_KEY = re.compile(_MARK)
_TERM = re.compile(r'<glossary-term data-slug="([-\w]+)">(.*?)</glossary-term>', re.DOTALL)
_HEADING = re.compile(r'<h([23]) id="([^"]*)">')


@dataclass
class Listed:
    """A reference with its label, a number or a sign, and the places that mark it."""

    reference: AbstractReference
    label: str
    marks: list[str] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Its address on the page."""
        return f"ref-{self.reference.key}"

    def html(self) -> SafeString:
        """The citation, and the ways back to where it is marked."""
        cited = self.reference.study
        words = reference_html(cited) if cited else _source_html(self.reference)
        return mark_safe(words + "".join(self._ways_back()))

    def _ways_back(self) -> Iterator[str]:
        many = len(self.marks) > 1
        for number, mark in enumerate(self.marks, start=1):
            which = f" {number} of {len(self.marks)}" if many else ""
            shown = ("\u21a9 " if number == 1 else "") + (_letter(number) if many else "")
            yield (
                f' <a class="back" href="#{mark}" role="doc-backlink"'
                f' aria-label="Back to the text{which}">{shown.strip()}</a>'
            )


def _letter(number: int) -> str:
    """a for 1; past z the number itself."""
    return ascii_lowercase[number - 1] if number <= len(ascii_lowercase) else str(number)


@dataclass(frozen=True)
class Heading:
    """One line of the list of contents."""

    anchor: str
    text: str


@dataclass(frozen=True)
class Piece:
    """A stretch of the body; with `is_callout`, the place of the donation callout instead."""

    html: str = ""
    is_callout: bool = False


@dataclass(frozen=True)
class Body:
    """One body, ready for a template."""

    pieces: list[Piece]
    contents: list[Heading]
    numbered: list[Listed]
    notes: list[Listed]

    @property
    def has_callout(self) -> bool:
        """Whether the writer chose where the donation callout stands."""
        return any(piece.is_callout for piece in self.pieces)


def render_body(document: Document) -> Body:
    """The body of an article or a page, its references numbered by their first mark.

    What no mark names comes last, in the writer's order. `document` should come from
    `for_page()`; the blocks take one query for each kind, the glossary one.
    """
    blocks = blocks_of(document)
    listed = number_references(document.references.all(), keys_cited(blocks))
    writer = _Writer(listed, _terms_of(blocks))
    pieces = list(_pieces(blocks, writer))
    contents = writer.contents if len(writer.contents) >= MIN_CONTENTS else []
    numbered = [entry for entry in listed if not entry.reference.sign]
    notes = [entry for entry in listed if entry.reference.sign]
    return Body(pieces, contents, numbered, notes)


def number_references(references: Iterable[AbstractReference], cited: list[str]) -> list[Listed]:
    """The references in the order of their first mark; those with a sign have no number."""
    place = {key: index for index, key in enumerate(cited)}
    ordered = sorted(references, key=lambda one: place.get(one.key, len(place)))
    numbers = iter(range(1, len(ordered) + 1))
    return [Listed(one, one.sign or str(next(numbers))) for one in ordered]


def _terms_of(blocks: Iterable[body.Block]) -> dict[str, Term]:
    texts = [block.html for block in blocks if isinstance(block, body.TextBlock | body.BoxBlock)]
    slugs = {slug for html in texts for slug in term_slugs(html)}
    return {term.slug: term for term in Term.objects.filter(slug__in=slugs)}


def _pieces(blocks: Iterable[body.Block], writer: "_Writer") -> Iterator[Piece]:
    stretch: list[str] = []
    for block in blocks:
        if isinstance(block, ArticleCallout):
            yield Piece(mark_safe("".join(stretch)))
            yield Piece(is_callout=True)
            stretch = []
        else:
            stretch.append(writer.block(block))
    yield Piece(mark_safe("".join(stretch)))


class _Writer:
    """Writes the blocks of one body; remembers marks, anchors and headings on the way."""

    def __init__(self, listed: Iterable[Listed], terms: dict[str, Term]) -> None:
        self._listed = {entry.reference.key: entry for entry in listed}
        self._terms = terms
        self._anchors: set[str] = set()
        self._marks = 0
        self._uses_of_terms = 0
        self.contents: list[Heading] = []

    def block(self, block: body.Block) -> str:
        """One block as HTML."""
        if isinstance(block, body.TextBlock):
            return f'<div class="prose">{self._prose(block.html)}</div>'
        words = self._prose(block.html) if isinstance(block, body.BoxBlock) else ""
        study = getattr(block, "study", None)
        mark = self._mark_study(study) if isinstance(study, Study) else ""
        context = {"block": block, "html": mark_safe(words), "mark": mark_safe(mark)}
        return get_template(block.template_name).render(context)

    def _prose(self, html: str) -> str:
        html = _HEADING.sub(self._heading, html)
        self.contents += [
            Heading(anchor, text) for level, anchor, text in headings(html) if level == 2
        ]
        return _TERM.sub(self._term, self._with_marks(html))

    def _with_marks(self, html: str) -> str:
        """The marks stand close to the word before them, whatever spaces were typed there."""
        out, end = [], 0
        for found in _MARKS.finditer(html):
            before = html[end : found.start()]
            out += [_without_last_spaces(before), self._mark(_KEY.findall(found[0]))]
            end = found.end()
        return "".join([*out, html[end:]])

    def _heading(self, found: re.Match[str]) -> str:
        # Two blocks may hold the same words; the first keeps the plain address.
        anchor, number = found[2], 1
        while anchor in self._anchors:
            number += 1
            anchor = f"{found[2]}-{number}"
        self._anchors.add(anchor)
        return f'<h{found[1]} id="{anchor}">'

    def _mark_study(self, study: Study) -> str:
        return self._mark([study.slug])

    def _mark(self, keys: list[str]) -> str:
        """The marks of one place, in order, neighbours drawn together; "" if none is known."""
        known = [self._listed[key] for key in dict.fromkeys(keys) if key in self._listed]
        links = [self._link(run) for run in _runs(known)]
        return f'<sup class="marks">{",".join(links)}</sup>' if links else ""

    def _link(self, run: list[Listed]) -> str:
        self._marks += 1
        anchor = f"mark-{self._marks}"
        for entry in run:
            entry.marks.append(anchor)
        first, last = escape(run[0].label), escape(run[-1].label)
        many = len(run) > 1
        name = f"References {first} to {last}" if many else f"Reference {first}"
        shown = f"{first}{EN_DASH}{last}" if many else first
        return (
            f'<a id="{anchor}" href="#{run[0].anchor}" role="doc-noteref" aria-label="{name}">'
            f"{shown}</a>"
        )

    @cached_property
    def _glossary(self) -> str:
        return reverse("articles:glossary")

    def _term(self, found: re.Match[str]) -> str:
        term = self._terms.get(found[1])
        if term is None:
            return found[2]
        self._uses_of_terms += 1
        anchor = f"term-{self._uses_of_terms}"
        return (
            f'<button type="button" class="term" popovertarget="{anchor}">{found[2]}</button>'
            f'<span class="definition" id="{anchor}" popover><strong>{escape(term.name)}</strong> '
            f"{escape(term.definition)}"
            f' <a href="{self._glossary}#{term.slug}">In the glossary</a></span>'
        )


def _without_last_spaces(html: str) -> str:
    # Not by a pattern: one that ends in spaces takes the square of the time on a long run of them.
    end = len(html)
    while end:
        if html[end - 1].isspace():
            end -= 1
        elif html.endswith(SPACE, 0, end):
            end -= len(SPACE)
        else:
            break
    return html[:end]


def _runs(entries: list[Listed]) -> Iterator[list[Listed]]:
    """Entries by number, from MIN_RANGE neighbours on together; signs after them, one by one."""
    numbers = sorted((e for e in entries if not e.reference.sign), key=lambda e: int(e.label))
    run: list[Listed] = []
    for entry in numbers:
        if run and int(entry.label) != int(run[-1].label) + 1:
            yield from _whole_or_single(run)
            run = []
        run.append(entry)
    yield from _whole_or_single(run)
    yield from ([entry] for entry in entries if entry.reference.sign)


def _whole_or_single(run: list[Listed]) -> list[list[Listed]]:
    return [run] if len(run) >= MIN_RANGE else [[entry] for entry in run]


def _source_html(reference: AbstractReference) -> str:
    words = escape(reference.source)
    if reference.url:
        words = f'<a href="{escape(reference.url)}">{words}</a>'
    if not reference.access:
        return words
    return f'{words} <span class="access">{escape(reference.get_access_display())}</span>'
