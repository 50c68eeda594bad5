"""Words that do not work for everybody: empty links, places on a screen, unfilled gaps."""

import re
from collections.abc import Iterator

from articles.preflight.findings import Cause, Trouble
from articles.preflight.reading import Passage, Reading

EMPTY_LINK = Cause(
    "A link does not say where it leads: {words}.",
    "Link the words that name what is there.",
)
POSITION = Cause(
    "It points to a place on the screen: {words}.",
    "Name the thing or link to it: phones, mail and screen readers have no such place.",
)
PLACEHOLDER = Cause("A gap was not filled: {words}.", "Write what belongs there, or delete it.")

_EMPTY_LINKS = {
    "article",
    "click",
    "click here",
    "click here for more",
    "click this link",
    "continue reading",
    "find out more",
    "here",
    "learn more",
    "link",
    "more",
    "more info",
    "more information",
    "read more",
    "read on",
    "see here",
    "see more",
    "tap here",
    "this",
    "this article",
    "this link",
    "this page",
    "website",
}
_CLICK_HERE = re.compile(r"\b(?:click|tap|press)\s+(?:on\s+)?(?:here|(?:on\s+)?this link)\b", re.I)

_THING = (
    r"(?:widgets?|buttons?|links?|box(?:es)?|forms?|menus?|banners?|panels?|pictures?|photos?"
    r"|images?|figures?|charts?|diagrams?|graphs?|tables?|maps?|search|columns?)"
)
_PART = r"(?:left|right)(?:[- ]hand)?"
# "On the left ventricle" and "on the right side of the brain" are places in the body.
_ON_SCREEN = (
    r"(?=\s*(?:[.,;:!?)]|$)|\s+(?:is|are|to|opens?|shows?|leads?|lets|takes?|has|and|or|you|we|for"
    r"|if|when|below|above|of\s+(?:the|this|your)\s+(?:page|screen|site|text))\b)"
)
# Looked for first: most paragraphs have none of them, and each pattern costs time.
_MAY_POSITION = re.compile(r"left|right|above|below|side", re.IGNORECASE)
_MAY_BE_GAP = re.compile(r"[%{$\[&]|TODO|TK|[Ll]orem")
_POSITIONS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_THING}\s+(?:(?:shown|placed|located|just|here|is)\s+)?(?:on|at|to|in)\s+(?:the|your)\s+"
        rf"(?:far\s+|upper\s+|lower\s+|top\s+|bottom\s+)?{_PART}\b(?:\s+side)?{_ON_SCREEN}",
        rf"\b(?:on|to|at)\s+the\s+{_PART}(?:\s+side)?\s+of\s+(?:the|this|your)\s+"
        r"(?:page|screen|site|text|article)\b",
        rf"\bon\s+the\s+{_PART}(?:\s+side)?,?\s+(?:you\s+(?:can\s+|will\s+|\u2019ll\s+)?(?:see|find)"
        rf"|(?:is|are)\s+(?:an?\s+|the\s+|our\s+)?{_THING}\b)",
        r"\b(?:in|on|from|at|see)\s+(?:the|our|your)\s+(?:(?:left|right)(?:[- ]hand)?\s+)?"
        r"side[- ]?(?:bar|column)\b",
        rf"\b(?:in|from)\s+the\s+{_PART}\s+(?:column|menu|bar|margin)\b",
        rf"\b(?:see|seen|shown|pictured|{_THING})\s+(?:at\s+)?(?:below|above|bottom|top|lower|upper)"
        r"[- ](?:left|right)\b(?!\s+\w)",
        rf"\b{_THING}\s+(?:just\s+|shown\s+|right\s+)?(?:above|below)\b"
        r"(?!\s+(?:the|an?|average|normal|what|this|that|those|its|zero|\d))",
        rf"\bthe\s+(?:above|below)\s+{_THING}\b",
        r"\(see\s+(?:right|left)\)",
    )
]

_PLACEHOLDERS = [
    re.compile(pattern)
    for pattern in (
        r"(?<![\d%])%(?:\(\w{1,50}\)|\d{1,2}\$)?[sd]\b",
        r"\{\{.{0,100}?\}\}|\{%.{0,100}?%\}|\$\{\w{1,50}\}",
        r"\[/?(?:caption|gallery|embed|audio|video|playlist|contact-form[\w-]*|et_pb_\w+|vc_\w+)\b"
        r"[^\]]{0,300}\]",
        r"\b[Ll]orem [Ii]psum\b",
        r"\bTODO\b|\bTKTK\b",
        # Thymidine kinase is TK, too.
        r"(?<!\()\bTK\b(?!\s*(?:\d|inhibit|activit|gene|domain|receptor|enzyme))",
        r"&(?:amp|nbsp|quot|lt|gt|[rl][sd]quo|[mn]dash|hellip|#\d+|#x[0-9a-fA-F]+);",
    )
]


def words(reading: Reading) -> Iterator[Trouble]:
    """Links without a name, words that need a screen, gaps."""
    for passage in reading.passages:
        yield from (Trouble(EMPTY_LINK, passage.place, text) for text in empty_links(passage))
        if passage.tag not in ("alt", "caption"):
            yield from (Trouble(POSITION, passage.place, text) for text in positions(passage.text))
    for part in reading.parts:
        for passage in part.passages:
            yield from (Trouble(PLACEHOLDER, part.place, text) for text in gaps(passage.text))
    for passage in reading.head:
        yield from (Trouble(PLACEHOLDER, passage.place, text) for text in gaps(passage.text))


def empty_links(passage: Passage) -> Iterator[str]:
    """The words of links that name nothing, and "click here" even without a link."""
    for link in passage.links:
        if " ".join(re.findall(r"[\w\u2019']+", link.text.lower())) in _EMPTY_LINKS:
            yield link.text
    yield from _CLICK_HERE.findall(passage.text)


def positions(text: str) -> Iterator[str]:
    """The words by which a text points to a place on the screen. Places in the body are none."""
    for pattern in _POSITIONS if _MAY_POSITION.search(text) else ():
        yield from (found[0] for found in pattern.finditer(text))


def gaps(text: str) -> Iterator[str]:
    """What a program or a writer should have filled in."""
    for pattern in _PLACEHOLDERS if _MAY_BE_GAP.search(text) else ():
        yield from (found[0] for found in pattern.finditer(text))
