"""Bodies in letters: each block in words, in HTML and as text, with the same links."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from articles.lettering import letter_html, letter_text
from articles.models import Article, ArticleText
from articles.plain_text import plain_text, wrapped
from tests.articles.bodies import full_article, mark
from tests.factories import ArticleFactory, StudyFactory, add_block

pytestmark = pytest.mark.django_db

SITE = "https://fibrosite.example"


@pytest.fixture
def article() -> Article:
    """One with a block of each kind."""
    made = full_article(slug="whole")
    return Article.objects.published().for_page().get(pk=made.pk)


def links_of(html: str) -> set[str]:
    return set(re.findall(r'href="([^"]+)"', html))


def links_in(text: str) -> set[str]:
    return set(re.findall(r"https?://[^\s<>]+", text))


def with_body(html: str, **fields: object) -> Article:
    made = ArticleFactory.create(body=html, **fields)
    return Article.objects.published().for_page().get(pk=made.pk)


def test_each_block_is_there_in_both_parts(article: Article) -> None:
    # Headings are in capitals in the text.
    for part in (letter_html(article).casefold(), letter_text(article).casefold()):
        for words in (
            "planned in the motor cortex.",
            "[picture: a hand that taps] tapping",
            "it faded.",
            "what they did",
            "taps a minute",
            "patients",
            "rest and effort in forty people",
            "dose: what was given",
            "this is information, not medical advice",
            "last checked on 5 january 2026",
            "price",
            "10 dollars",
            "the maker",
            "read also",
            "watch “a talk”, 9 min, on video.example",
            "references",
        ):
            assert words in part, words


def test_both_parts_have_the_same_links_and_all_are_whole(article: Article) -> None:
    html, text = letter_html(article), letter_text(article)
    assert links_of(html) == links_in(text)
    assert {link for link in links_of(html) if not link.startswith(SITE)} == {
        "https://video.example/1"
    }


def test_nothing_is_loaded_and_nothing_runs(article: Article) -> None:
    html = letter_html(article)
    assert not re.search(r"<img|<button|popover|<script|<style|url\(| id=", html)


def test_lines_of_the_text_are_short_but_addresses_stay_whole(article: Article) -> None:
    for line in letter_text(article).splitlines():
        assert len(line) < 78 or "https://" in line, line


def test_marks_have_the_numbers_of_the_page(article: Article) -> None:
    first, second = (reference.study for reference in article.references.all())
    assert first
    assert second
    text = letter_text(article)
    assert "motor cortex. [1]" in text
    assert "They tapped. [2] [1]" in text
    assert f"[1] {first.short_citation}: {first.title}" in text
    assert f"[2] {second.short_citation}: {second.title}" in text


def test_a_retracted_study_is_called_so_in_the_list() -> None:
    study = StudyFactory.create(status="retracted")
    article = with_body(f"<p>It works.{mark(study)}</p>")
    assert "<strong>Retracted.</strong>" in letter_html(article)
    assert "[1] Retracted. " in letter_text(article)


def test_a_mark_without_a_reference_leaves_no_trace() -> None:
    article = with_body('<p>It works.<cite-ref data-key="gone"></cite-ref></p>')
    assert "It works.</p>" in letter_html(article)
    assert letter_text(article) == "It works."


def test_a_related_article_that_is_withdrawn_is_left_out() -> None:
    whole = full_article()
    Article.objects.exclude(pk=whole.pk).update(state="withdrawn")
    assert "Read also" not in letter_html(whole)
    assert "Read also" not in letter_text(whole)


def test_links_within_the_site_become_whole_addresses() -> None:
    article = with_body('<p><a href="/tags/sleep/">sleep</a> <a href="#what">below</a></p>')
    ArticleText.objects.filter(parent=article).update(
        html='<p><a href="/tags/sleep/">sleep</a> <a href="#what">below</a></p>'
    )
    expected = {f"{SITE}/tags/sleep/", f"{SITE}{article.get_absolute_url()}#what"}
    assert links_of(letter_html(article)) == links_in(letter_text(article)) == expected


def test_words_with_signs_of_html_are_escaped_in_html_and_plain_in_text() -> None:
    article = with_body("<p>p &lt; 0.05 &amp; more</p>")
    assert "p &lt; 0.05 &amp; more" in letter_html(article)
    assert letter_text(article) == "p < 0.05 & more"


def test_an_overdue_fact_says_that_it_may_have_changed() -> None:
    article = full_article()
    facts = article.articles_articlefact_set
    facts.update(check_by_on=timezone.localdate() - timedelta(days=1), checked_on="2025-01-05")
    assert "it may have changed since" in letter_html(article)
    assert "it may have changed since" in " ".join(letter_text(article).split())


def test_an_empty_body_is_empty() -> None:
    article = with_body("")
    assert letter_html(article).strip() == letter_text(article) == ""


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One<br>Two</p>", "One\nTwo"),
        ("<h2 id='a'>What <em>they</em> did</h2><p>Rest.</p>", "WHAT THEY DID\n\nRest."),
        ("<ul><li><p>One</p></li><li><p>Two</p></li></ul>", "- One\n- Two"),
        ("<p>So:</p><ol><li>One</li><li>Two</li></ol><p>End</p>", "So:\n\n1. One\n2. Two\n\nEnd"),
        ("<ul><li>One<ul><li>Deep</li></ul></li><li>Two</li></ul>", "- One\n  - Deep\n- Two"),
        ("<blockquote><p>Said</p></blockquote>", "> Said"),
        ('<p><a href="https://a.example/x">Look</a>.</p>', "Look <https://a.example/x>."),
        ('<p><a href="https://a.example/">https://a.example/</a></p>', "https://a.example/"),
        ("<p>a&nbsp;b &lt;c&gt;</p>", "a b <c>"),
        ("", ""),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_long_items_stand_under_their_first_word() -> None:
    assert wrapped(f"- {'word ' * 30}").splitlines()[1].startswith("  word")


def test_long_words_and_addresses_are_never_cut() -> None:
    address = f"https://a.example/{'x' * 200}"
    assert address in wrapped(f"{'word ' * 14}{address} {'word ' * 20}").splitlines()


def test_a_block_added_later_comes_later() -> None:
    article = with_body("<p>First</p>")
    add_block(article, ArticleText, html="<p>Second</p>")
    assert letter_text(article) == "First\n\nSecond"
