"""A picture's words say what it shows."""

from typing import Any

import pytest

from articles.models import Article, ArticleFigure, ArticleVideo
from articles.preflight import check
from articles.preflight.findings import Cause
from articles.preflight.pictures import (
    AS_CAPTION,
    FILE_NAME,
    NO_WORDS,
    PICTURE_OF_QUOTE,
    SAME_WORDS,
    TOO_LITTLE,
    pictures,
)
from tests.articles.newsroom import picture
from tests.articles.preflight.writing import article, found, reading
from tests.factories import add_block


def figure(alt: str, caption: str = "", file: str = "one.png") -> ArticleFigure:
    made = ArticleFigure(alt=alt, caption=caption)
    made.picture.name = file
    return made


def causes(*blocks: Any) -> list[Cause]:
    return [trouble.cause for trouble in pictures(reading(*blocks))]


@pytest.mark.parametrize("alt", ["", "  ", ".", "—"])
def test_a_picture_without_words_stops(alt: str):
    assert causes(figure(alt)) == [NO_WORDS]
    assert NO_WORDS.stops


@pytest.mark.parametrize(
    "alt", ["IMG_2041.JPG", "three-states.png", "image1", "DSC-0042", "brain_scan", "my-new-chart"]
)
def test_a_file_name_says_nothing(alt: str):
    assert causes(figure(alt)) == [FILE_NAME]


@pytest.mark.parametrize("alt", ["image", "motor cortex", "Graph"])
def test_a_bare_word_says_too_little(alt: str):
    assert causes(figure(alt)) == [TOO_LITTLE]


def test_the_caption_again_says_nothing_new():
    assert causes(figure("A hand that taps fast.", "A hand that taps fast")) == [AS_CAPTION]


def test_two_pictures_have_words_of_their_own():
    alt = "A hand that taps fast."
    assert causes(figure(alt), figure(alt, file="two.png")) == [SAME_WORDS]
    assert causes(figure(alt), figure(alt)) == []


@pytest.mark.parametrize(
    ("alt", "caption"),
    [
        ("Advice of a doctor in a pull-quote", ""),
        ("Words of a patient, a pull quote", ""),
        ("White letters on blue ground", "A quote from the interview"),
        ("“I would rest for a week before each visit to the doctor”", ""),
    ],
)
def test_a_quote_is_no_picture(alt: str, caption: str):
    assert causes(figure(alt, caption)) == [PICTURE_OF_QUOTE]


@pytest.mark.parametrize(
    "alt",
    [
        "A hand with one finger raised to tap.",
        "A curve marked “slow” and one marked “fast”, which falls.",
        "Low-dose naltrexone in brown glass.",
        "Three bars, the last one shorter.",
    ],
)
def test_what_shows_something_passes(alt: str):
    assert causes(figure(alt)) == []


def test_the_still_of_a_video_is_a_picture():
    video = ArticleVideo(title="A talk on sleep", alt="A talk on sleep")
    video.still.name = "still.png"
    assert causes(video) == [AS_CAPTION]


def test_the_own_picture_of_an_article_is_one():
    seen = reading()
    assert isinstance(seen.document, Article)
    seen.document.picture.name = "lead.png"
    seen.document.picture_alt = "lead.png"
    [trouble] = pictures(seen)
    assert trouble.cause == FILE_NAME
    assert trouble.place.anchor == "id_picture_alt"


@pytest.mark.django_db
def test_a_dot_for_a_picture_keeps_the_article_from_readers():
    draft = article("<p>Tea.</p>")
    add_block(draft, ArticleFigure, picture=picture(), alt=".")
    [finding] = found(draft, NO_WORDS)
    assert finding.stops
    assert check(draft)[0] == finding
