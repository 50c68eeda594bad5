"""What the blocks of a body are made of. Articles and pages have tables of their own for each."""

from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar
from urllib.parse import urlsplit

from content_editor.models import PluginBase, Region
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from articles.models.pictures import picture_path
from articles.prose import BODY_EXTENSIONS, with_anchors, with_whole_marks
from fibrosite.lib.fields import AddressField, LineField, ProseField
from research.models import Study

BODY = Region(key="body", title="Body")
POSITION_HELP = "Small numbers come first; equal ones stay in the order they were added."
ALT_HELP = "For readers who do not see the picture: what does it show?"


class BodyField(ProseField):
    """Rich text of a body: its headings get addresses that stay when their words change."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "extensions" in self.config:
            clean = self.sanitize
            self.sanitize: Callable[[str], str] = lambda html: with_anchors(
                with_whole_marks(clean(html))
            )


class Block(PluginBase):
    """One block of a body. `template_name` shows it to readers."""

    template_name: ClassVar[str]
    # What its template shows besides itself.
    shows: ClassVar[list[str]] = []

    region = models.CharField(max_length=255)
    ordering = models.IntegerField(default=0)

    class Meta:
        abstract = True
        ordering = ["ordering"]

    @classmethod
    def get_queryset(cls) -> models.QuerySet[Any]:
        """The blocks with all that their template shows."""
        rows = cls._default_manager.all()
        # Without names, select_related() would join the article and its author to each block.
        return rows.select_related(*cls.shows) if cls.shows else rows


class TextBlock(Block):
    """Paragraphs, lists and headings."""

    html = BodyField("text", extensions=BODY_EXTENSIONS)

    class Meta(Block.Meta):
        abstract = True
        verbose_name = "text"
        verbose_name_plural = "texts"

    def __str__(self) -> str:
        return self.get_html_excerpt(words=8)


class FigureBlock(Block):
    """A picture that explains something."""

    template_name = "articles/blocks/figure.html"

    picture = models.ImageField(
        upload_to=picture_path,
        width_field="picture_width",
        height_field="picture_height",
        help_text="Large ones are made smaller; place and camera data are removed.",
    )
    picture_width = models.PositiveIntegerField(null=True, editable=False)
    picture_height = models.PositiveIntegerField(null=True, editable=False)
    alt = LineField("picture in words", max_length=500, help_text=ALT_HELP)
    caption = LineField(max_length=400, blank=True)
    credit = LineField(
        max_length=200, blank=True, help_text="Who made it, and under which licence."
    )

    class Meta(Block.Meta):
        abstract = True
        verbose_name = "figure"
        constraints = [
            models.CheckConstraint(condition=~models.Q(alt=""), name="%(class)s_has_words"),
        ]

    def __str__(self) -> str:
        return self.caption or self.alt


class QuoteBlock(Block):
    """Words of somebody, set apart, with where they come from."""

    template_name = "articles/blocks/quote.html"
    shows = ["study"]

    text = models.TextField(help_text="Without quotation marks: the page sets them.")
    study = models.ForeignKey(
        Study,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The study that these words stand in; it gets its number among the references.",
    )
    source = LineField("who said it", max_length=200, blank=True)

    class Meta(Block.Meta):
        abstract = True
        verbose_name = "pull quote"

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def said_by(self) -> str:
        """Who said it, or the study that says so; "" if nobody wrote that down."""
        return self.source or (self.study.short_citation if self.study else "")


class TableBlock(Block):
    """A table of plain cells."""

    class Header(models.TextChoices):
        ROW = "row", "The first row"
        COLUMN = "column", "The first column"
        BOTH = "both", "The first row and the first column"
        NONE = "none", "None"

    template_name = "articles/blocks/table.html"

    caption = LineField(max_length=300, help_text="What the table shows, in one sentence.")
    header = models.CharField("headings", max_length=6, choices=Header, default=Header.ROW)
    cells = models.TextField(
        help_text="A row per line, cells divided by | or as a spreadsheet pastes them (tabs)."
    )

    class Meta(Block.Meta):
        abstract = True
        verbose_name = "table"
        constraints = [
            models.CheckConstraint(condition=~models.Q(caption=""), name="%(class)s_has_caption"),
        ]

    def __str__(self) -> str:
        return self.caption

    def clean(self) -> None:
        """Refuse rows of unequal length: a cell would stand under the wrong heading."""
        rows = self.rows
        for number, row in enumerate(rows, start=1):
            if len(row) != len(rows[0]):
                raise ValidationError(
                    {
                        "cells": f"Row {number} has {len(row)} cells, the first row has"
                        f" {len(rows[0])}. Add or remove a | there."
                    }
                )

    @property
    def rows(self) -> list[list[str]]:
        """The cells, row by row; empty lines are no rows."""
        return [_cells(line) for line in self.cells.splitlines() if line.strip()]

    @property
    def head(self) -> list[str]:
        """The first row, if its cells are headings."""
        return self.rows[0] if self.header in (self.Header.ROW, self.Header.BOTH) else []

    @property
    def body_rows(self) -> list[list[str]]:
        """The rows below the headings."""
        return self.rows[1:] if self.head else self.rows

    @property
    def first_column_heads(self) -> bool:
        """Whether the first cell of each row is a heading."""
        return self.header in (self.Header.COLUMN, self.Header.BOTH)


def _cells(line: str) -> list[str]:
    if "\t" in line:
        return [cell.strip() for cell in line.split("\t")]
    line = line.strip()
    # Framed on both sides, as Markdown has it; on one side alone, that cell is empty.
    if len(line) > 1 and line.startswith("|") and line.endswith("|"):
        line = line[1:-1]
    return [cell.strip() for cell in line.split("|")]


class StudyCardBlock(Block):
    """A study set apart: what it is and what it can carry."""

    template_name = "articles/blocks/study_card.html"
    shows = ["study"]

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    note = LineField(
        max_length=300, blank=True, help_text="Why it matters here. One sentence, or nothing."
    )

    class Meta(Block.Meta):
        abstract = True
        verbose_name = "study card"

    def __str__(self) -> str:
        return str(self.study)


class BoxBlock(Block):
    """A note, a warning, a dose or how something is done."""

    class Kind(models.TextChoices):
        NOTE = "note", "Note"
        WARNING = "warning", "Warning"
        DOSE = "dose", "Dose"
        HOW_TO = "how-to", "How to"

    # What may harm when it is out of date: such a box carries a disclaimer and its date.
    CHECKED = (Kind.DOSE, Kind.HOW_TO)

    template_name = "articles/blocks/box.html"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.NOTE)
    title = LineField(max_length=120)
    html = BodyField("text", extensions=BODY_EXTENSIONS)
    checked_on = models.DateField(
        "last checked on", null=True, blank=True, help_text="Needed for a dose and for a how-to."
    )

    class Meta(Block.Meta):
        abstract = True
        verbose_name = "box"
        verbose_name_plural = "boxes"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind__in=["dose", "how-to"])
                | models.Q(checked_on__isnull=False),
                name="%(class)s_has_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.title}"

    def clean(self) -> None:
        """Refuse a dose or a how-to that nobody checked, and a check in the future."""
        if self.is_checked and self.checked_on is None:
            raise ValidationError({"checked_on": "When was this last checked?"})
        refuse_future(self.checked_on)

    @property
    def is_checked(self) -> bool:
        """Whether it carries a disclaimer and the date of its last check."""
        return self.kind in self.CHECKED


def refuse_future(checked_on: date | None) -> None:
    """Raise ValidationError on the field `checked_on` if the day has not come yet."""
    if checked_on and checked_on > timezone.localdate():
        raise ValidationError({"checked_on": "This day has not come yet."})


class FactBlock(Block):
    """A fact that goes stale: a price, a phone number, the state of a trial."""

    template_name = "articles/blocks/fact.html"

    label = LineField("what", max_length=160, help_text="Such as “Price of a month's supply”.")
    value = LineField(max_length=300)
    source = LineField(max_length=200, help_text="Who says so.")
    source_url = AddressField("address of the source", max_length=500, blank=True)
    checked_on = models.DateField("last checked on", default=timezone.localdate)
    check_by_on = models.DateField(
        "check again by", help_text="From this day on, readers are told that it may have changed."
    )

    class Meta(Block.Meta):
        abstract = True
        verbose_name = "fact that goes stale"
        verbose_name_plural = "facts that go stale"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(check_by_on__gt=models.F("checked_on")),
                name="%(class)s_check_follows",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.value}"

    def clean(self) -> None:
        """Refuse a check in the future, and a next check before the last."""
        refuse_future(self.checked_on)
        if self.checked_on and self.check_by_on and self.check_by_on <= self.checked_on:
            raise ValidationError({"check_by_on": "The next check comes after the last one."})

    def is_overdue(self, today: date | None = None) -> bool:
        """Whether nobody looked in time: from the day `check_by_on` on."""
        return self.check_by_on <= (today or timezone.localdate())


class VideoBlock(Block):
    """A still that links to a video elsewhere: nothing is loaded from there."""

    template_name = "articles/blocks/video.html"

    title = LineField(max_length=200)
    url = AddressField("address of the video", max_length=500)
    still = models.ImageField(
        upload_to=picture_path, width_field="still_width", height_field="still_height"
    )
    still_width = models.PositiveIntegerField(null=True, editable=False)
    still_height = models.PositiveIntegerField(null=True, editable=False)
    alt = LineField("picture in words", max_length=500, help_text=ALT_HELP)
    minutes = models.PositiveSmallIntegerField("length in minutes", null=True, blank=True)

    class Meta(Block.Meta):
        abstract = True
        verbose_name = "video"
        constraints = [
            models.CheckConstraint(condition=~models.Q(alt=""), name="%(class)s_has_words"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def host(self) -> str:
        """Where the link leads, as in "www.youtube.com"."""
        return urlsplit(self.url).hostname or self.url
