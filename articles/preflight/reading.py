"""A document as preflight reads it: blocks with their places, and their words in passages."""

import html as entities
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.utils.text import capfirst

from articles.bodies import Document, blocks_of
from articles.models import Article, ArticleRelated, body
from articles.models.references import AbstractReference
from articles.preflight.findings import Place, clipped
from articles.prose import cited_keys
from research.models import Study

WORDS_IN_NAME = 5

_MARK = re.compile(r"<cite-ref[^>]*></cite-ref>")
_BLOCK_TAG = re.compile(r"<(/?)(p|h2|h3|ul|ol|li|blockquote)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r'<a\b[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


@dataclass(frozen=True)
class Link:
    """A link: where it leads, and its words."""

    href: str
    text: str


@dataclass(frozen=True)
class Passage:
    """A paragraph, heading, list item or line in plain words, with what stands in it.

    `tag` is p, h2, h3, li, …, or the name of the field if it is a line of its own.
    """

    place: Place
    tag: str
    text: str
    keys: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def is_heading(self) -> bool:
        """Whether it heads what follows."""
        return self.tag in ("h2", "h3")


@dataclass(frozen=True)
class Part:
    """A block, its place and its passages."""

    block: body.Block
    place: Place
    passages: tuple[Passage, ...]

    @property
    def study(self) -> Study | None:
        """What a quote or a card cites."""
        study = getattr(self.block, "study", None)
        return study if isinstance(study, Study) else None

    @property
    def html(self) -> str:
        """Its rich text, "" if it has none."""
        is_prose = isinstance(self.block, body.TextBlock | body.BoxBlock)
        return self.block.html if is_prose else ""

    @property
    def prose(self) -> tuple[Passage, ...]:
        """The passages of its rich text."""
        return self.passages if self.html else ()


@dataclass(frozen=True)
class Reading:
    """A document as the checks look at it, with the studies that it cites by their slugs.

    Made by `read`.
    """

    document: Document
    parts: tuple[Part, ...]
    references: tuple[tuple[AbstractReference, Place], ...]
    head: tuple[Passage, ...]
    studies: dict[str, Study]

    @property
    def whole(self) -> Place:
        """The document as a place."""
        kind = "The article" if isinstance(self.document, Article) else "The page"
        return Place(kind, kind)

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """All words that the site says: those of others, in pull quotes, are left out."""
        own = (part for part in self.parts if not isinstance(part.block, body.QuoteBlock))
        return (*self.head, *(passage for part in own for passage in part.passages))


def read(document: Document) -> Reading:
    """The saved document: a query for each kind of block, one for references and one for gist.

    One more looks for studies that are marked in the text, but not among the references yet.
    """
    parts = tuple(parts_of(blocks_of(document)))
    references = tuple(_references_of(document))
    studies = [part.study for part in parts] + [reference.study for reference, _ in references]
    known = {study.slug: study for study in studies if study}
    listed = {reference.key for reference, _ in references}
    marked = {key for part in parts for passage in part.prose for key in passage.keys}
    if missing := marked - listed - set(known):
        known |= {study.slug: study for study in Study.objects.filter(slug__in=missing)}
    return Reading(document, parts, references, tuple(_head_of(document)), known)


def parts_of(blocks: list[body.Block]) -> Iterator[Part]:
    """The blocks in order, each with its number from the top and its id on the change form."""
    counts: Counter[str] = Counter()
    for number, block in enumerate(blocks, start=1):
        prefix = _prefix(block)
        anchor = f"{prefix}-{counts[prefix]}"
        counts[prefix] += 1
        place = Place(_name(block, number), f"block {number}", anchor)
        yield Part(block, place, tuple(_passages(block, place)))


def _prefix(block: body.Block) -> str:
    """What the change form calls the blocks of this kind, as in "articles_articletext_set"."""
    return f"{block._meta.app_label}_{block._meta.model_name}_set"


def _name(block: body.Block, number: int) -> str:
    name = f"{capfirst(block._meta.verbose_name)}, block {number}"
    words = " ".join(_first_words(block).split()[:WORDS_IN_NAME])
    return f"{name}, “{clipped(words, 50)}”" if words else name


def _first_words(block: body.Block) -> str:
    if isinstance(block, body.StudyCardBlock):
        return block.study.short_citation
    if isinstance(block, ArticleRelated):
        return block.related.title
    nowhere = Place("", "")
    return next((passage.text for passage in _passages(block, nowhere)), "")


def _passages(block: body.Block, place: Place) -> Iterator[Passage]:
    """The words of a block, in the order of the page."""
    for name in ("title", "caption", "label", "value", "text", "note", "source", "credit"):
        if value := getattr(block, name, ""):
            yield Passage(place, name, str(value))
    if isinstance(block, body.TextBlock | body.BoxBlock):
        yield from passages_of(block.html, place)
    elif isinstance(block, body.TableBlock):
        yield from (Passage(place, "cell", cell) for row in block.rows for cell in row if cell)
    elif alt := getattr(block, "alt", ""):
        yield Passage(place, "alt", str(alt))


def passages_of(html: str, place: Place) -> Iterator[Passage]:
    """The paragraphs, headings and list items of sanitised HTML."""
    tag, start = "p", 0
    for found in _BLOCK_TAG.finditer(html):
        yield from _passage(html[start : found.start()], tag, place)
        start = found.end()
        tag = "p" if found[1] else found[2]
    yield from _passage(html[start:], tag, place)


def _passage(html: str, tag: str, place: Place) -> Iterator[Passage]:
    text = _plain(html)
    keys = tuple(cited_keys(html))
    if text.strip() or keys:
        links = tuple(Link(entities.unescape(href), _plain(t)) for href, t in _LINK.findall(html))
        yield Passage(place, tag, text, keys, links)


def _plain(html: str) -> str:
    # A mark takes the space before it, as on the page.
    *before, last = _MARK.split(html.replace("&nbsp;", "\u00a0"))
    lines = "".join([*(piece.rstrip() for piece in before), last])
    lines = lines.replace("<br>", "\n").replace("<br />", "\n")
    return entities.unescape(_TAG.sub("", lines))


def _references_of(document: Document) -> Iterator[tuple[AbstractReference, Place]]:
    for index, reference in enumerate(document.references.select_related("study")):
        study = reference.study
        words = clipped(study.short_citation if study else reference.source, 50)
        short = f"reference {index + 1}"
        yield reference, Place(f"Reference “{words}”", short, f"references-{index}")


def _head_of(document: Document) -> Iterator[Passage]:
    """Title, standfirst, gist and the words of the article's own picture."""
    yield Passage(Place("The title", "the title", "id_title"), "title", document.title)
    standfirst = Place("The standfirst", "the standfirst", "id_standfirst")
    yield Passage(standfirst, "standfirst", document.standfirst)
    if isinstance(document, Article):
        for index, point in enumerate(document.gist.all()):
            name = f"gist point {index + 1}"
            yield Passage(Place(capfirst(name), name, f"gist-{index}"), "gist", point.text)
        if document.picture_caption:
            caption = Place("The picture's caption", "the caption", "id_picture_caption")
            yield Passage(caption, "caption", document.picture_caption)
