"""How deep each article of a letter goes: as deep as the reader wants, as far as there is room.

Mail programs cut off HTML of more than about 100 kB, and the link to unsubscribe with it (R11).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from articles.lettering import Evidence, letter_evidence, letter_html, letter_text, site_address
from articles.models import Article
from articles.plain_text import wrapped
from newsletter.models import Depth

# What all articles of a letter may fill, in bytes. The rest, up to 100 kB, is for the frame, the
# drive and ten corrections, which a reader's copy gets later.
ROOM = 80_000
# More than these are named by their number alone.
MAX_STUDIES = 3
# The deepest first.
DEPTHS = (Depth.FULL, Depth.STANDARD, Depth.GIST)

_FOLDER = "newsletter/letters"


@dataclass(frozen=True)
class Part:
    """One article of a letter, as HTML and as text."""

    article: Article
    html: SafeString
    text: str


def parts_of(articles: Sequence[Article], wanted: Depth) -> list[Part]:
    """The articles of a letter as deep as `wanted`, or less deep where there is no room.

    They should come from `for_page()`. What was made of an article is kept with it, so that the
    variants of one digest share it.
    """
    sizes = [
        {depth: len(_part(article, depth).html.encode()) for depth in _allowed(wanted)}
        for article in articles
    ]
    depths = fitting(sizes, wanted, room=ROOM)
    return [_part(article, depth) for article, depth in zip(articles, depths, strict=True)]


def fitting(sizes: Sequence[Mapping[Depth, int]], wanted: Depth, *, room: int) -> list[Depth]:
    """A depth for each article so that their sizes add up to `room` at most, if they can.

    All begin as deep as `wanted`; as long as there is too much, the largest of the deepest ones
    goes down one step.
    """
    depths = [wanted] * len(sizes)
    for depth, lower in pairwise(DEPTHS):
        places = [place for place, one in enumerate(depths) if one == depth]
        for place in sorted(places, key=lambda place: -sizes[place][depth]):
            if sum(size[one] for size, one in zip(sizes, depths, strict=True)) <= room:
                return depths
            depths[place] = lower
    return depths


def _allowed(wanted: Depth) -> Iterable[Depth]:
    return DEPTHS[DEPTHS.index(wanted) :]


def _part(article: Article, depth: Depth) -> Part:
    made: dict[Depth, Part] = article.__dict__.setdefault("_letter_parts", {})
    if depth not in made:
        made[depth] = _make(article, depth)
    return made[depth]


def _make(article: Article, depth: Depth) -> Part:
    evidence: list[Evidence] = letter_evidence(article) if depth == Depth.STANDARD else []
    is_full = depth == Depth.FULL
    words = {
        "article": article,
        "url": site_address(article.get_absolute_url()),
        "depth": depth,
        "evidence": evidence[:MAX_STUDIES],
        "more_studies": max(0, len(evidence) - MAX_STUDIES),
    }
    html = render_to_string(
        f"{_FOLDER}/_article.html", {**words, "body": letter_html(article) if is_full else ""}
    )
    text = render_to_string(
        f"{_FOLDER}/_article.txt", {**words, "body": letter_text(article) if is_full else ""}
    )
    return Part(article, mark_safe(html), wrapped(text))
