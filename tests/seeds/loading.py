"""Enters pages as readers know them from elsewhere, kept in a folder outside the project.

A layout names lines of a page by number: which are headings, words of pictures, references.
What they say stays in the folder.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from articles import bodies
from articles.bodies import Document
from articles.models import (
    Article,
    ArticleFigure,
    ArticleQuote,
    ArticleStudyCard,
    ArticleText,
    GistPoint,
    PageText,
)
from research.models import Study
from tests.articles.newsroom import picture
from tests.factories import ArticleFactory, PageFactory

# What the pages print behind a reference, and the access it means. A bare "Report" says nothing.
ACCESS = {
    "Free Report": Study.Access.FREE,
    "Report (free to read)": Study.Access.FREE,
    "Abstract": Study.Access.ABSTRACT,
}

_MARK = re.compile(r"(?:(?<=[a-z]\.)|(?<=\.”))\s?([1-9*])(?=\s|$)")
_LISTED = re.compile(r"\s*(\d+|\*)\.?\s+(.+?)\s*$")


@dataclass(frozen=True)
class Layout:
    """Where things stand in a page; lines count from 1, ranges include their end."""

    file: str
    first: int
    last: int
    headings: frozenset[int] = frozenset()
    # The line with a picture's words, and the line of its caption (0: none).
    pictures: dict[int, int] = field(default_factory=dict)
    # The line of a quote, and the words that begin its source.
    quotes: dict[int, str] = field(default_factory=dict)
    study: int = 0
    gist: range = range(0)
    left_out: frozenset[int] = frozenset()
    references: range = range(0)
    title: int = 0
    is_page: bool = False
    kind: str = Article.Kind.RESEARCH_SUMMARY


LAYOUTS = {
    "finger tapping": Layout(
        "000",
        7,
        98,
        headings=frozenset({19, 25, 47, 53, 61, 80, 92}),
        pictures={9: 11, 33: 35, 59: 0, 70: 72},
        quotes={55: "Kutch"},
        study=21,
    ),
    "motor cortex": Layout(
        "001",
        12,
        90,
        headings=frozenset({22, 30, 60, 82}),
        pictures={46: 48, 62: 64, 84: 86},
        gist=range(5, 12),
        # Cards of other articles.
        left_out=frozenset({38, 52, 74, 80}),
    ),
    "exercise": Layout(
        "002",
        13,
        81,
        title=9,
        headings=frozenset({21, 33, 47, 59, 65, 75}),
        pictures={13: 0, 25: 0, 37: 0},
        references=range(89, 97),
    ),
    "naltrexone": Layout(
        "002",
        108,
        257,
        title=104,
        headings=frozenset(
            {112, 118, 124, 134, 146, 152, 158, 164, 172, 184, 198, 204, 222, 223, 227, 242}
        ),
        pictures={108: 0, 130: 0, 176: 0, 200: 0},
        left_out=frozenset({252, 254}),
        references=range(259, 263),
        kind=Article.Kind.EXPLAINER,
    ),
    "autoimmune": Layout(
        "002",
        274,
        330,
        title=270,
        headings=frozenset({284, 298, 312, 326}),
        pictures={274: 0, 288: 0, 310: 0},
        references=range(336, 337),
    ),
    "explanation": Layout(
        "003", 3, 29, title=1, headings=frozenset({19}), kind=Article.Kind.LIVED_EXPERIENCE
    ),
    "causes": Layout("004", 3, 18, title=1, headings=frozenset({4, 7, 17}), is_page=True),
}


def lines_of(folder: Path, file: str) -> list[str]:
    """The lines of a page; the first is number 1."""
    path = next(folder.glob(f"{file}_*.txt"))
    return ["", *path.read_text(encoding="utf-8").splitlines()]


def enter(folder: Path, layout: Layout) -> Document:
    """One page through the models, as an editor would enter it, defects and all."""
    lines = lines_of(folder, layout.file)
    document = _document(lines, layout)
    for ordering, (kind, fields) in enumerate(_blocks(lines, layout)):
        kind.objects.create(parent=document, region="body", ordering=ordering, **fields)
    for position, number in enumerate(layout.references):
        _refer(document, lines[number], position)
    bodies.settle(document)
    return document


def _document(lines: list[str], layout: Layout) -> Document:
    title = lines[layout.title].strip() or "A page"
    if layout.is_page:
        return PageFactory.create(title=title)
    article = ArticleFactory.create(title=title, kind=layout.kind, body="")
    if layout.gist:
        article.gist.all().delete()
    for position, number in enumerate(layout.gist):
        text = lines[number].strip(" •\u00a0")[:300]
        GistPoint.objects.create(article=article, text=text, position=position)
    return article


def _blocks(lines: list[str], layout: Layout) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Text until something else stands in its way, or a heading begins the next."""
    text = PageText if layout.is_page else ArticleText
    captions = set(layout.pictures.values())
    written = ""
    for number in range(layout.first, layout.last + 1):
        line = lines[number].strip(" \u00a0")
        if not line or number in layout.left_out or number in captions:
            continue
        other = _other_block(lines, number, layout)
        if written and (other or number in layout.headings):
            yield text, {"html": written}
            written = ""
        if other:
            yield other
        elif number in layout.headings:
            written += f"<h2>{html.escape(line)}</h2>"
        else:
            written += f"<p>{marked(html.escape(line))}</p>"
    yield text, {"html": written}


def _other_block(
    lines: list[str], number: int, layout: Layout
) -> tuple[Any, dict[str, Any]] | None:
    line = lines[number].strip()
    if number in layout.pictures:
        caption = lines[layout.pictures[number]].strip()
        image = picture(name=f"line-{number}")
        return ArticleFigure, {"picture": image, "alt": line, "caption": caption}
    if number in layout.quotes:
        words, name, rest = line.rpartition(layout.quotes[number])
        return ArticleQuote, {"text": words.strip(), "source": name + rest}
    if number == layout.study:
        return ArticleStudyCard, {"study": _study(line)}
    return None


def marked(text: str) -> str:
    """The text with its printed numbers as marks."""
    return _MARK.sub(lambda found: f'<cite-ref data-key="{_key(found[1])}"></cite-ref>', text)


def _key(number: str) -> str:
    return "note" if number == "*" else f"listed-{number}"


def _study(line: str) -> Study:
    """A study from its citation: title, authors and journal, each ended by a full stop, and DOI."""
    title, authors, journal = line.split(". ")[:3]
    doi = line.partition("doi: ")[2].split()[0].rstrip(".")
    names = (name.rpartition(" ") for name in authors.split(", "))
    people = "\n".join(f"{family}, {given}" for family, _, given in names)
    return Study.objects.create(title=title, authors=people, journal=journal, doi=doi)


def _refer(document: Document, line: str, position: int) -> None:
    found = _LISTED.match(line)
    assert found, line
    number, source = found.groups()
    label = next((label for label in ACCESS if source.endswith(f". {label}")), "")
    document.references.create(
        source=source.removesuffix(label).strip(),
        access=ACCESS.get(label, ""),
        key=_key(number),
        sign="*" if number == "*" else "",
        position=position,
    )
