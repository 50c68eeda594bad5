"""Words that work on paper, in mail, on a phone and for the ear."""

import pytest

from articles.models import ArticleFigure, ArticleQuote
from articles.preflight.words import words
from tests.articles.preflight.writing import problems, problems_in


@pytest.mark.parametrize(
    "shown",
    ["here", "click here", "Click here", "Read more", "read more …", "this link", "Here.", "more"],
)
def test_a_link_names_what_is_there(shown: str):
    [problem] = problems_in(words, f'<p>See <a href="/donate/">{shown}</a> for it.</p>')
    assert shown in problem


@pytest.mark.parametrize("shown", ["the drive of 2024", "Here to stay", "this study of sleep"])
def test_a_link_with_a_name_passes(shown: str):
    assert problems_in(words, f'<p>See <a href="/donate/">{shown}</a>.</p>') == []


def test_click_here_is_found_without_a_link():
    assert problems_in(words, "Use the box or click here. To give, click here.") == [
        "A link does not say where it leads: “click here”."
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Use the widget on the right hand side to give.",
        "The button on the right opens it.",
        "The form is in the sidebar.",
        "You find it in the right-hand column.",
        "On the right you can see the menu.",
        "See the box below.",
        "The table above shows it.",
        "The picture below left is old.",
        "As the above figure shows, it fell.",
        "It stands on the left of the page.",
    ],
)
def test_places_on_a_screen_are_named(text: str):
    assert len(problems_in(words, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Pain on the right side of the body was worse.",
        "The image showed activity on the left side of the brain.",
        "It hurts below the left knee and on the right.",
        "She is on the right track, with the right dose.",
        "The studies above were small.",
        "A figure below 90 is low.",
        "A figure below average is low.",
        "He was left in the box.",
        "Patients have the right to see it.",
        "The link on the left ventricle was lost.",
        "Turn on your right side to sleep.",
    ],
)
def test_places_in_the_body_pass(text: str):
    assert problems_in(words, text) == []


def test_a_picture_may_say_what_stands_on_its_left():
    shown = ArticleFigure(alt="The chart on the left falls.", caption="The graph on the left")
    shown.picture.name = "chart.png"
    assert problems(words, shown) == []


@pytest.mark.parametrize(
    "text",
    [
        "Connecting to %s",
        "Page %d of many",
        "Hello %(name)s",
        "Hello {{ name }}",
        "{% include 'x.html' %}",
        "Dear ${first}",
        '[caption id="attachment_1"]A hand[/caption]',
        "Lorem ipsum dolor",
        "TODO ask the author",
        "He is TK years old",
        "Fish &amp;amp; chips",
        "Fish&amp;nbsp;chips",
    ],
)
def test_gaps_are_found(text: str):
    assert len(problems_in(words, text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Pain fell by 30% since then, 20%s of it at once.",
        "50 % said so; 5% did not.",
        "Fish &amp; chips",
        "“All this [emphasis added] is new”",
        "A thymidine kinase (TK) is an enzyme; TK activity rose, and so did TK1.",
        "What we have to do today",
        "Set A = {a, b}",
    ],
)
def test_what_looks_like_a_gap_passes(text: str):
    assert problems_in(words, text) == []


def test_the_words_of_others_are_theirs_but_gaps_are_ours():
    assert problems(words, ArticleQuote(text="See the box below.", source="Ada")) == []
    assert problems(words, ArticleQuote(text="See %s.", source="Ada"))
