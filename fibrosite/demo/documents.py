"""Articles and pages of the demo: read from TOML, written through the models block by block."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone

from articles import bodies
from articles import models as articles
from articles.models import Article, Author, GistPoint, Page, PageReference, Reference, Series
from research.models import Study

PICTURES = Path(__file__).parent / "content" / "pictures"
Row = dict[str, Any]

ARTICLE_BLOCKS: dict[str, type[models.Model]] = {
    "text": articles.ArticleText,
    "figure": articles.ArticleFigure,
    "quote": articles.ArticleQuote,
    "table": articles.ArticleTable,
    "study-card": articles.ArticleStudyCard,
    "related": articles.ArticleRelated,
    "box": articles.ArticleBox,
    "fact": articles.ArticleFact,
    "video": articles.ArticleVideo,
    "callout": articles.ArticleCallout,
}
PAGE_BLOCKS: dict[str, type[models.Model]] = {
    "text": articles.PageText,
    "figure": articles.PageFigure,
    "quote": articles.PageQuote,
    "table": articles.PageTable,
    "study-card": articles.PageStudyCard,
    "box": articles.PageBox,
    "fact": articles.PageFact,
}

_MARK = re.compile(r'(<cite-ref data-key=")([^"]*)')


class ContentError(ValueError):
    """What is wrong with the demo's content, and where: the file and the part of it."""


def read(path: Path) -> Row:
    """A file of the demo's content. Raises ContentError if it is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ContentError(f"{path.name}: {error}") from error


def write(model: type[models.Model], values: Mapping[str, Any], place: str) -> Any:
    """A new row, checked as a form would check it.

    Raises ContentError, with `place`, for a key that the model does not have and for whatever
    the model refuses.
    """
    known = {field.name for field in model._meta.fields}
    if unknown := sorted(set(values) - known):
        raise ContentError(f"{place}: {', '.join(unknown)}: no such key.")
    row = model(**values)
    try:
        row.full_clean()
    except ValidationError as error:
        raise ContentError(f"{place}: {_in_words(error)}") from error
    row.save()
    return row


def _in_words(error: ValidationError) -> str:
    return " ".join(
        f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items()
    )


class Documents:
    """The reader of articles and pages. Studies, authors and series are to be there before."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._today = timezone.localdate(now)
        # TOML names a study by its DOI, or by its address if it has none.
        self._studies = {study.doi or study.url: study for study in Study.objects.all()}

    def load(self, article_files: Iterable[Path], page_files: Iterable[Path]) -> None:
        """Write all of them. Raises ContentError if anything in them does not fit."""
        rows = [(path.name, read(path)) for path in article_files]
        # Bodies come second, because they name other articles.
        owners = [self._article(row, name) for name, row in rows]
        for (name, row), article in zip(rows, owners, strict=True):
            self._body(article, row, name)
        for path in page_files:
            row = read(path)
            self._body(self._page(row, path.name), row, path.name)

    def _article(self, row: Row, name: str) -> Article:
        values = _without(row, "tags", "gist", "days", "reference", "block")
        values |= {
            "author": _find(Author, row.get("author"), name, "author"),
            "picture": _picture(f"{Path(name).stem}.png", name),
            "published_at": self._published_at(row, name),
        }
        if "series" in row:
            values["series"] = _find(Series, row["series"], name, "series")
        article: Article = write(Article, values, name)
        article.tags.add(*row.get("tags", []))
        for position, text in enumerate(row.get("gist", [])):
            point = {"article": article, "text": text, "position": position}
            write(GistPoint, point, f"{name}, gist {position + 1}")
        return article

    def _published_at(self, row: Row, name: str) -> datetime | None:
        if row.get("state") == Article.State.DRAFT:
            return None
        days = timedelta(days=_days(row.get("days"), f"{name}, days"))
        return self._now + days if row["state"] == Article.State.SCHEDULED else self._now - days

    def _page(self, row: Row, name: str) -> Page:
        values = _without(row, "reviewed", "reference", "block")
        values["reviewer"] = _find(Author, row.get("reviewer"), name, "reviewer")
        values["reviewed_on"] = self._today - timedelta(
            days=_days(row.get("reviewed"), f"{name}, reviewed")
        )
        page: Page = write(Page, values, name)
        return page

    def _body(self, owner: Article | Page, row: Row, name: str) -> None:
        references = row.get("reference", [])
        for position, reference in enumerate(references):
            self._reference(owner, reference, position, f"{name}, reference {position + 1}")
        keys = {reference["key"] for reference in references if "key" in reference}
        for number, block in enumerate(row.get("block", []), start=1):
            self._block(owner, block, keys, number, f"{name}, block {number}")
        bodies.settle(owner)

    def _reference(self, owner: Article | Page, row: Row, position: int, place: str) -> None:
        values = row | {"position": position}
        if "study" in row:
            values["study"] = self._study(row["study"], place)
        if isinstance(owner, Article):
            write(Reference, values | {"article": owner}, place)
        else:
            write(PageReference, values | {"page": owner}, place)

    def _block(
        self, owner: Article | Page, row: Row, keys: set[str], number: int, place: str
    ) -> None:
        kinds = ARTICLE_BLOCKS if isinstance(owner, Article) else PAGE_BLOCKS
        kind = str(row.get("type", "without a type"))
        place = f"{place} ({kind})"
        if kind not in kinds:
            raise ContentError(f"{place}: a type is one of {', '.join(kinds)}.")
        values: Row = {"parent": owner, "region": "body", "ordering": number * 10}
        for key, value in _without(row, "type").items():
            field, read_value = self._readers(keys).get(key, (key, _as_it_is))
            values[field] = read_value(value, place)
        write(kinds[kind], values, place)

    def _readers(self, keys: set[str]) -> dict[str, tuple[str, Callable[[Any, str], Any]]]:
        """The keys of blocks that are not taken as they stand: the field, and what reads it."""
        return {
            "html": ("html", lambda html, place: self._with_slugs(html, keys, place)),
            "study": ("study", self._study),
            "related": (
                "related",
                lambda slug, place: _find(Article, slug, place, "related"),
            ),
            "picture": ("picture", _picture),
            "still": ("still", _picture),
            "checked": (
                "checked_on",
                lambda days, place: self._today - timedelta(days=_days(days, f"{place}, checked")),
            ),
            "check_by": (
                "check_by_on",
                lambda days, place: self._today + timedelta(days=_days(days, f"{place}, check_by")),
            ),
        }

    def _study(self, name: str, place: str) -> Study:
        try:
            return self._studies[name.lower()]
        except KeyError:
            raise ContentError(f"{place}: no study {name} in studies.toml.") from None

    def _with_slugs(self, html: str, keys: set[str], place: str) -> str:
        def with_slug(mark: re.Match[str]) -> str:
            key = mark[2] if mark[2] in keys else self._study(mark[2], place).slug
            return f"{mark[1]}{key}"

        return _MARK.sub(with_slug, html)


def _as_it_is(value: Any, place: str) -> Any:
    return value


def _without(row: Row, *keys: str) -> Row:
    return {key: value for key, value in row.items() if key not in keys}


def _days(value: Any, place: str) -> int:
    if not isinstance(value, int):
        raise ContentError(f"{place}: a number of days is needed.")
    return value


def _find(model: type[models.Model], slug: Any, place: str, key: str) -> Any:
    row = model._default_manager.filter(slug=slug).first()
    if row is None:
        raise ContentError(f"{place}, {key}: no {model._meta.verbose_name} {slug!r}.")
    return row


def _picture(name: str, place: str) -> ContentFile:
    path = PICTURES / name
    if not path.is_file():
        raise ContentError(f"{place}: no picture {name} in content/pictures.")
    return ContentFile(path.read_bytes(), name=name)
