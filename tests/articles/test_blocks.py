"""What readers get of each kind of block."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from articles.models import (
    ARTICLE_BLOCKS,
    PAGE_BLOCKS,
    Article,
    ArticleBox,
    ArticleCallout,
    ArticleFact,
    ArticleFigure,
    ArticleQuote,
    ArticleRelated,
    ArticleStudyCard,
    ArticleTable,
    ArticleText,
    ArticleVideo,
    body,
)
from articles.rendering import render_body
from tests.articles.newsroom import picture
from tests.factories import ArticleFactory, DriveFactory, StudyFactory, add_block
from tests.reading import Page

pytestmark = pytest.mark.django_db

CHECKED, CHECK_BY = date(2026, 1, 5), date(2026, 7, 5)
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def article() -> Article:
    return ArticleFactory.create(body="")


def shown(article: Article) -> str:
    return "".join(piece.html for piece in render_body(article).pieces)


def fact(article: Article, **fields: Any) -> ArticleFact:
    told = {"label": "Price", "value": "10 dollars", "source": "The maker"}
    dates = {"checked_on": CHECKED, "check_by_on": CHECK_BY}
    return add_block(article, ArticleFact, **{**told, **dates, **fields})


def test_blocks_stand_in_their_order_whatever_their_kind(article: Article):
    add_block(article, ArticleText, html="<p>First</p>")
    add_block(article, ArticleQuote, text="Second", source="Ada")
    add_block(article, ArticleText, html="<p>Third</p>")
    html = shown(article)
    assert html.index("First") < html.index("Second") < html.index("Third")


@pytest.mark.parametrize("kind", ARTICLE_BLOCKS + PAGE_BLOCKS)
def test_a_block_brings_along_only_what_its_template_shows(kind: type[body.Block]):
    joins = str(kind.get_queryset().query).count(" JOIN ")
    assert joins == len(kind.shows)


def test_a_figure_has_words_caption_credit_and_size(article: Article):
    add_block(
        article,
        ArticleFigure,
        picture=picture(size=(40, 20)),
        alt='A hand & "one" finger',
        caption="It taps.",
        credit="Ada, CC BY 4.0",
    )
    html = shown(article)
    [image] = Page(html).all("img")
    assert image["alt"] == 'A hand & "one" finger'
    assert (image["width"], image["height"]) == ("40", "20")
    assert "It taps." in html
    assert "Ada, CC BY 4.0" in html


def test_a_table_names_its_headings_to_a_screen_reader(article: Article):
    cells = "Group | Slow | Fast\nPatients | 40 | 60\nControls | 41 | 75\n"
    add_block(article, ArticleTable, caption="Taps a minute", header="both", cells=cells)
    page = Page(shown(article))
    assert [head["scope"] for head in page.all("th")] == ["col"] * 3 + ["row"] * 2
    assert len(page.all("td")) == 4
    assert "Taps a minute" in shown(article)


@pytest.mark.parametrize(
    ("header", "heads", "cells"),
    [("row", ["col", "col"], 2), ("column", ["row", "row"], 2), ("none", [], 4)],
)
def test_the_editor_says_which_cells_are_headings(
    article: Article, header: str, heads: list[str], cells: int
):
    add_block(article, ArticleTable, caption="Taps", header=header, cells="a|b\nc|d")
    page = Page(shown(article))
    assert [head["scope"] for head in page.all("th")] == heads
    assert len(page.all("td")) == cells


@pytest.mark.parametrize(
    "typed", ["a\tb\nc\td", "a|b\nc|d", "| a | b |\n| c | d |", "a|b\n\nc|d\r\n"]
)
def test_cells_are_typed_or_pasted_from_a_spreadsheet(typed: str):
    assert ArticleTable(cells=typed).rows == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("typed", "cells"),
    [
        ("a\t\tb", ["a", "", "b"]),
        ("a||b", ["a", "", "b"]),
        ("|a|b", ["", "a", "b"]),
        ("a|b|", ["a", "b", ""]),
        ("| | a |", ["", "a"]),
        ("|", ["", ""]),
    ],
)
def test_a_cell_may_be_empty(typed: str, cells: list[str]):
    assert ArticleTable(cells=typed).rows == [cells]


def test_rows_of_unequal_length_are_refused_with_their_number():
    with pytest.raises(ValidationError) as refused:
        ArticleTable(caption="Taps", cells="a|b\nc|d\ne|f|g").clean()
    assert refused.value.message_dict == {
        "cells": ["Row 3 has 3 cells, the first row has 2. Add or remove a | there."]
    }


def test_a_quote_names_who_said_it_or_the_study_it_stands_in(article: Article):
    study = StudyFactory.create(authors="Kutch, Jason\nYani, Moheb", year=2015)
    add_block(article, ArticleQuote, text="It faded.\n\nTwice.", study=study)
    add_block(article, ArticleQuote, text="I rest.", source="Noor, a reader")
    html = shown(article)
    assert "Kutch et al 2015<sup" in html
    assert "Noor, a reader" in html
    assert "<p>It faded.</p>" in html


def test_a_study_card_shows_what_the_study_can_carry(article: Article):
    study = StudyFactory.create(
        title="Tapping", design="rct", patients=24, plain_sentence="24 people; no cause."
    )
    add_block(article, ArticleStudyCard, study=study, note="The first of its kind.")
    html = shown(article)
    for words in ("Tapping", "24 people; no cause.", "The first of its kind.", "24 patients"):
        assert words in html


@pytest.mark.parametrize("kind", ["dose", "how-to"])
def test_what_may_harm_carries_a_disclaimer_and_its_date(article: Article, kind: str):
    given = {"kind": kind, "title": "Steps", "html": "<p>One.</p>", "checked_on": CHECKED}
    add_block(article, ArticleBox, **given)
    html = shown(article)
    assert "not medical advice" in html
    assert "Last checked on" in html
    assert "5 January 2026" in html


def test_a_note_carries_none(article: Article):
    add_block(article, ArticleBox, kind="note", title="Mind", html="<p>One.</p>")
    assert "medical advice" not in shown(article)


@pytest.mark.parametrize("kind", ["dose", "how-to"])
def test_a_dose_or_a_how_to_that_nobody_checked_is_refused(kind: str):
    with pytest.raises(ValidationError) as refused:
        ArticleBox(kind=kind, title="Steps", html="<p>One.</p>").clean()
    assert refused.value.message_dict == {"checked_on": ["When was this last checked?"]}


def test_nothing_was_checked_tomorrow():
    tomorrow = timezone.localdate() + timedelta(days=1)
    for block in (ArticleBox(checked_on=tomorrow), ArticleFact(checked_on=tomorrow)):
        with pytest.raises(ValidationError, match="not come yet"):
            block.clean()


@pytest.mark.parametrize(
    ("today", "words"),
    [
        ("2026-07-04", "Checked on"),
        ("2026-07-05", "Last checked on"),
        ("2027-01-01", "Last checked on"),
    ],
)
def test_a_fact_says_when_it_is_past_its_date(article: Article, today: str, words: str):
    fact(article)
    with time_machine.travel(f"{today} 12:00Z", tick=False):
        html = shown(article)
    assert f"{words} <time" in html
    assert ("may have changed" in html) == (words == "Last checked on")


def test_a_fact_names_its_source(article: Article):
    fact(article, source_url="https://maker.example/prices")
    assert '<a href="https://maker.example/prices">The maker</a>' in shown(article)


def test_the_next_check_comes_after_the_last():
    with pytest.raises(ValidationError, match="after the last one"):
        ArticleFact(checked_on=CHECKED, check_by_on=CHECKED).clean()


def test_a_video_is_a_link_and_loads_nothing_from_there(article: Article):
    video = {"title": "A talk", "url": "https://video.example/watch?v=1", "alt": "A speaker"}
    add_block(article, ArticleVideo, still=picture(), minutes=9, **video)
    page = Page(shown(article))
    assert page.all("a")[0]["href"] == "https://video.example/watch?v=1"
    assert page.all("img")[0]["src"].startswith("/media/")
    assert page.all("iframe") == page.all("video") == page.all("script") == []
    assert "on video.example" in shown(article)


@pytest.mark.parametrize("state", ["draft", "withdrawn"])
def test_a_related_article_shows_while_it_is_public(article: Article, state: str):
    other = ArticleFactory.create(title="On rest", standfirst="Rest matters.")
    add_block(article, ArticleRelated, related=other)
    assert "On rest" in shown(article)
    Article.objects.filter(pk=other.pk).update(state=state)
    assert "On rest" not in shown(article)


def test_the_call_to_give_stands_where_the_writer_put_it(cleo: Client, article: Article):
    DriveFactory.create(name="Winter drive")
    add_block(article, ArticleText, html="<p>Before</p>")
    add_block(article, ArticleCallout)
    add_block(article, ArticleText, html="<p>After</p>")
    page = cleo.get(article.get_absolute_url()).content.decode()
    assert page.count('class="callout"') == 1
    assert page.index("Before") < page.index('class="callout"') < page.index("After")


def test_without_a_place_it_stands_at_the_end(cleo: Client, article: Article):
    DriveFactory.create(name="Winter drive")
    add_block(article, ArticleText, html="<p>Before</p>")
    page = cleo.get(article.get_absolute_url()).content.decode()
    assert page.count('class="callout"') == 1
    assert page.index("Before") < page.index('class="callout"')


def test_without_a_drive_there_is_none(cleo: Client, article: Article):
    add_block(article, ArticleCallout)
    assert 'class="callout"' not in cleo.get(article.get_absolute_url()).content.decode()


def test_words_of_editors_are_shown_as_typed_in_every_block(article: Article):
    study = StudyFactory.create(title=EVIL, plain_sentence=EVIL, journal=EVIL)
    add_block(article, ArticleFigure, picture=picture(), alt=EVIL, caption=EVIL, credit=EVIL)
    add_block(article, ArticleQuote, text=EVIL, source=EVIL)
    add_block(article, ArticleTable, caption=EVIL, cells=f"{EVIL}|{EVIL}\n{EVIL}|{EVIL}")
    add_block(article, ArticleStudyCard, study=study, note=EVIL)
    add_block(article, ArticleRelated, related=ArticleFactory.create(title=EVIL), note=EVIL)
    add_block(article, ArticleBox, kind="note", title=EVIL, html="<p>One.</p>")
    fact(article, label=EVIL, value=EVIL, source=EVIL)
    add_block(
        article, ArticleVideo, title=EVIL, url="https://v.example/", still=picture(), alt=EVIL
    )
    assert "<script" not in shown(article)
    assert shown(article).count("&lt;script&gt;") >= 18


def test_time_to_read_counts_the_words_of_all_blocks(article: Article):
    add_block(article, ArticleText, html=f"<p>{'word ' * 500}</p>")
    add_block(article, ArticleQuote, text="word " * 50, source="Ada")
    add_block(article, ArticleTable, caption="Words", cells="word " * 50)
    article.refresh_from_db()
    assert article.words == 600
    assert article.minutes_to_read == 3
