"""Pictures whose words say nothing, and quotes that are pictures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from articles.models import Article, body
from articles.preflight.findings import Cause, Place, Trouble
from articles.preflight.reading import Reading

MIN_WORDS = 3
# Shorter quoted speech is a label in a drawing.
MIN_QUOTED_WORDS = 10

NO_WORDS = Cause(
    "The picture has no words for those who do not see it.",
    "Write what it shows.",
    stops=True,
)
FILE_NAME = Cause(
    "The picture's words are the name of a file: {words}.", "Write what it shows instead."
)
TOO_LITTLE = Cause(
    "The picture's words say too little: {words}.",
    "Write in a sentence what it shows and why it stands here.",
)
AS_CAPTION = Cause(
    "The picture's words are its caption again.",
    "Write what can be seen; screen readers read the caption anyway.",
)
SAME_WORDS = Cause(
    "Another picture has the same words: {words}.",
    "Write of each what it alone shows.",
)
PICTURE_OF_QUOTE = Cause(
    "A quote stands here as a picture.",
    "Use a quote block: text can be read aloud, enlarged and searched.",
)

_FILE_NAME = re.compile(
    r"\S*\.(?:jpe?g|png|gif|webp|svg|avif|heic|tiff?|bmp)"
    r"|(?:img|dsc|dscn|image|photo|picture|screen ?shot)[-_ ]?\d[\w-]*"
    r"|[\w-]*\w_\w[\w-]*|\w+(?:-\w+){2,}",
    re.IGNORECASE,
)
_IS_QUOTE = re.compile(r"\b(?:pull[- ]?)?quot(?:e|ation)\b", re.IGNORECASE)
_SPEECH = re.compile(r"“([^”]+)”|\"([^\"]+)\"")


@dataclass(frozen=True)
class Picture:
    """A picture, its words, and where they are entered."""

    place: Place
    name: str
    alt: str
    caption: str = ""
    is_figure: bool = False


def pictures(reading: Reading) -> Iterator[Trouble]:
    """Each picture by itself, then those that share their words."""
    found = list(pictures_of(reading))
    for picture in found:
        yield from words_of_picture(picture)
    first: dict[str, str] = {}
    for picture in found:
        alt = _plain(picture.alt)
        if alt and first.setdefault(alt, picture.name) != picture.name:
            yield Trouble(SAME_WORDS, picture.place, picture.alt)


def pictures_of(reading: Reading) -> Iterator[Picture]:
    """The article's own picture, the figures and the stills of videos."""
    document = reading.document
    if isinstance(document, Article) and document.picture:
        place = Place("The article's picture", "the article's picture", "id_picture_alt")
        yield Picture(
            place, document.picture.name or "", document.picture_alt, document.picture_caption
        )
    for part in reading.parts:
        block = part.block
        if isinstance(block, body.FigureBlock):
            name = block.picture.name or ""
            yield Picture(part.place, name, block.alt, block.caption, is_figure=True)
        elif isinstance(block, body.VideoBlock):
            yield Picture(part.place, block.still.name or "", block.alt, block.title)


def words_of_picture(picture: Picture) -> Iterator[Trouble]:
    """What is wrong with the words of one picture."""
    if is_of_quote(picture):
        yield Trouble(PICTURE_OF_QUOTE, picture.place)
    elif not _plain(picture.alt):
        yield Trouble(NO_WORDS, picture.place)
    elif _FILE_NAME.fullmatch(picture.alt.strip()):
        yield Trouble(FILE_NAME, picture.place, picture.alt)
    elif _plain(picture.alt) == _plain(picture.caption):
        yield Trouble(AS_CAPTION, picture.place)
    elif len(picture.alt.split()) < MIN_WORDS:
        yield Trouble(TOO_LITTLE, picture.place, picture.alt)


def is_of_quote(picture: Picture) -> bool:
    """Whether a figure says of itself that it is a quote, or holds a sentence of speech."""
    texts = (picture.alt, picture.caption)
    speech = [found[1] or found[2] for text in texts for found in _SPEECH.finditer(text)]
    return picture.is_figure and (
        any(_IS_QUOTE.search(text) for text in texts)
        or any(len(words.split()) >= MIN_QUOTED_WORDS for words in speech)
    )


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
