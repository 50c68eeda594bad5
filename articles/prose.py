"""Rich text of bodies: what an editor may write, what is kept of it, and what it holds.

The functions that read take sanitised HTML, as the database holds it; each is one pass.
"""

import html as entities
import re
from typing import Any

from django.utils.text import slugify
from django_prose_editor.config import html_tags

BODY_EXTENSIONS: dict[str, Any] = {
    "Bold": True,
    "Italic": True,
    "Heading": {"levels": [2, 3]},
    "HeadingAnchor": True,
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "Blockquote": True,
    "Link": {"enableTarget": False, "protocols": ["http", "https", "mailto"]},
    "HardBreak": True,
    "History": True,
    "SpecialCharacters": True,
    "Picker": True,
    "CiteRef": True,
    "GlossaryTerm": True,
}

MAX_ANCHOR = 80
# What a page's own parts are called: a heading of that name would take their links.
PAGES_OWN = re.compile(
    r"about-author|drive-callout|foot-.*|gist|main|more|references|(?:mark|note|ref|reference|term)-\d+"
)

_KEY = r"[-\w]{1,140}"
_SLUG = re.compile(_KEY, re.ASCII)
_SLUG_ATTRIBUTES = {
    ("cite-ref", "data-key"),
    ("glossary-term", "data-slug"),
    ("h2", "id"),
    ("h3", "id"),
}
_CITED = re.compile(rf'<cite-ref data-key="({_KEY})">', re.ASCII)
_TERM = re.compile(rf'<glossary-term data-slug="({_KEY})">', re.ASCII)
_HEADING = re.compile(r'<h([23])(?: id="([^"]*)")?>(.*?)</h\1>', re.DOTALL)
_HEADING_START = re.compile(r'<(h[23])(?: id="([^"]*)")?>(?=(.*?)</\1>|)', re.DOTALL)
_BLOCK_TAG = re.compile(r"</?(?:p|h2|h3|ul|ol|li|blockquote|br)\b[^>]*>")
_ANY_TAG = re.compile(r"<[^>]*>")
_MARK_OR_BLOCK = re.compile(r"(</?(?:cite-ref|glossary-term|p|h2|h3|ul|ol|li|blockquote)\b[^>]*>)")


def cite_ref(_config: Any, allowed: dict[str, Any]) -> None:
    """Allow reference marks."""
    html_tags(["cite-ref"], {"cite-ref": ["data-key"]})(_config, allowed)
    allowed["attribute_filter"] = _slugs_alone


def glossary_term(_config: Any, allowed: dict[str, Any]) -> None:
    """Allow glossary marks."""
    html_tags(["glossary-term"], {"glossary-term": ["data-slug"]})(_config, allowed)
    allowed["attribute_filter"] = _slugs_alone


def heading_anchor(_config: Any, allowed: dict[str, Any]) -> None:
    """Allow the addresses of headings."""
    html_tags([], {"h2": ["id"], "h3": ["id"]})(_config, allowed)
    allowed["attribute_filter"] = _slugs_alone


def _slugs_alone(tag: str, attribute: str, value: str) -> str | None:
    if (tag, attribute) in _SLUG_ATTRIBUTES and not _SLUG.fullmatch(value):
        return None
    return value


EXTENSIONS = {
    "Picker": html_tags([]),
    "CiteRef": cite_ref,
    "GlossaryTerm": glossary_term,
    "HeadingAnchor": heading_anchor,
}


def with_whole_marks(html: str) -> str:
    """Sanitised HTML without broken marks; no word of the text is lost.

    A mark without its key goes, words inside a reference mark come after it, and a glossary
    mark that holds whole paragraphs or another mark of its kind is undone.
    """
    if "<cite-ref" not in html and "<glossary-term" not in html:
        return html
    out = _MARK_OR_BLOCK.split(html)
    terms: list[int] = []
    for place in range(1, len(out), 2):
        tag = out[place]
        if tag.startswith(("<cite-ref", "</cite-ref")):
            out[place] = f"{tag}</cite-ref>" if _CITED.fullmatch(tag) else ""
        elif tag.startswith("<glossary-term"):
            _open_term(out, place, terms)
        elif tag == "</glossary-term>":
            out[place] = tag if out[terms.pop()] else ""
        else:
            for term in terms:
                out[term] = ""
    return "".join(out)


def _open_term(out: list[str], place: int, terms: list[int]) -> None:
    if not _TERM.fullmatch(out[place]) or any(out[term] for term in terms):
        out[place] = ""
    terms.append(place)


def with_anchors(html: str) -> str:
    """Sanitised HTML in which each heading has an `id` of its own.

    An `id` that is there stays, whatever its heading says by now; a missing, repeated or bad one
    is made from the heading's words. Doing it twice changes nothing.
    """
    kept = {anchor for _, anchor, _ in _HEADING_START.findall(html) if _is_fit(anchor)}
    taken = set(kept)

    def anchored(heading: re.Match[str]) -> str:
        level, anchor, inner = heading.groups()
        if anchor in kept:
            kept.discard(anchor)
        else:
            anchor = _free_anchor(_text(inner or ""), taken)
        return f'<{level} id="{anchor}">'

    return _HEADING_START.sub(anchored, html)


def _is_fit(anchor: str) -> bool:
    return bool(_SLUG.fullmatch(anchor)) and not PAGES_OWN.fullmatch(anchor)


def _free_anchor(text: str, taken: set[str]) -> str:
    base = slugify(text)[:MAX_ANCHOR].strip("-_") or "section"
    anchor, number = base, 1
    while anchor in taken or not _is_fit(anchor):
        number += 1
        anchor = f"{base}-{number}"
    taken.add(anchor)
    return anchor


def cited_keys(html: str) -> list[str]:
    """The keys of the reference marks in the order of the text, repeated ones too."""
    return _CITED.findall(html)


def term_slugs(html: str) -> list[str]:
    """The slugs of the glossary marks in the order of the text, repeated ones too."""
    return _TERM.findall(html)


def words_of(html: str) -> int:
    """How many words a reader reads."""
    return len(_text(_BLOCK_TAG.sub(" ", html)).split())


def headings(html: str) -> list[tuple[int, str, str]]:
    """Level (2 or 3), `id` ("" if there is none) and plain, unescaped text of each heading."""
    return [(int(level), anchor, _text(inner)) for level, anchor, inner in _HEADING.findall(html)]


def _text(html: str) -> str:
    return " ".join(entities.unescape(_ANY_TAG.sub("", html)).split())
