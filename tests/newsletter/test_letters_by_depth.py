"""The same digest as gist, standard and whole articles; both parts say the same (R9, R11)."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from articles.models import Article
from newsletter import building, depths
from newsletter.depths import MAX_STUDIES, fitting, parts_of
from newsletter.letters import Words
from newsletter.models import Depth, Digest
from tests.articles.bodies import full_article, mark
from tests.factories import ArticleFactory, DriveFactory, StudyFactory, gift

pytestmark = pytest.mark.django_db

SITE = "https://fibrosite.example"


def summaries() -> tuple[Article, ...]:
    return tuple(Article.objects.published().for_page().filter(kind="research-summary"))


def written(depth: Depth, *, articles: tuple[Article, ...] | None = None, **fields: str) -> Words:
    """The words of a digest of all summaries."""
    now = timezone.now()
    digest = Digest(covers_from_at=now - timedelta(weeks=1), covers_to_at=now, **fields)
    held = summaries() if articles is None else articles
    return building.write(digest, building.Content(held, depth, text_only=False, more=0))


def said(words: str) -> str:
    """The words of either part on one line."""
    bare = re.sub(r"<(?:style|title).*?</(?:style|title)>", "", words, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"</?[a-z!][^>]*>", " ", bare)).split())


def links_of(words: Words) -> tuple[set[str], set[str]]:
    in_text = set(re.findall(r"https?://[^\s<>]+", words.text))
    return in_text, set(re.findall(r'href="(https?://[^"]+)"', words.html))


@pytest.fixture
def summary() -> Article:
    """One with all kinds of blocks, two studies and a gist."""
    return full_article(slug="whole", title="What slow tapping shows", gist=["It was small."])


@pytest.mark.parametrize(
    ("depth", "there", "not_there"),
    [
        (Depth.GIST, ["It was small.", "Read"], ["A small study", "not stated", "[1]"]),
        (Depth.STANDARD, ["It was small.", "A small study looked", "not stated"], ["[1]"]),
        (Depth.FULL, ["It was small.", "A small study looked", "motor cortex. [1]"], []),
    ],
)
def test_each_depth_holds_what_its_name_says(
    summary: Article, depth: Depth, there: list[str], not_there: list[str]
) -> None:
    words = written(depth, articles=summaries()[-1:])
    for part in (said(words.html), said(words.text)):
        assert [one for one in there if one not in part] == []
        assert [one for one in not_there if one in part] == []


@pytest.mark.parametrize("depth", list(Depth))
def test_both_parts_lead_to_the_same_places_and_to_no_others(
    summary: Article, depth: Depth
) -> None:
    DriveFactory.create()
    in_text, in_html = links_of(written(depth))
    assert in_text - {f"{SITE}/"} == in_html - {f"{SITE}/"}
    cited = {"https://video.example/1"} if depth == Depth.FULL else set()
    assert {link for link in in_html if not link.startswith(f"{SITE}/")} == cited


@pytest.mark.parametrize("depth", list(Depth))
def test_a_letter_loads_nothing_whatever_its_depth_r12(summary: Article, depth: Depth) -> None:
    html = written(depth).html
    assert not re.search(r"<img|<script|<link|<iframe|url\(|@import|srcset", html)


@pytest.mark.parametrize("depth", list(Depth))
def test_lines_of_the_text_are_short(summary: Article, depth: Depth) -> None:
    for line in written(depth).text.splitlines():
        assert len(line) < 78 or "https://" in line, line


def test_a_standard_letter_shows_three_studies_and_how_many_more_there_are() -> None:
    studies = StudyFactory.create_batch(5)
    ArticleFactory.create(studies=studies)
    words = written(Depth.STANDARD)
    for part in (said(words.html), said(words.text)):
        assert part.count("not stated") >= MAX_STUDIES
        assert "And 2 more on the page." in part
    assert studies[2].get_absolute_url() in words.html
    assert studies[3].get_absolute_url() not in words.html


def test_a_retracted_study_says_so_before_its_evidence() -> None:
    ArticleFactory.create(studies=[StudyFactory.create(status="retracted")])
    words = written(Depth.STANDARD)
    assert "<strong>Retracted.</strong>" in words.html
    assert "- Retracted. " in words.text


def test_the_preview_line_is_hidden_in_the_letter_and_first_in_it() -> None:
    ArticleFactory.create()
    words = written(Depth.GIST, preview_line="Two studies & a doubt")
    body = words.html[words.html.index("<body") :]
    hidden = re.search(r'<div style="display:none;[^"]*" aria-hidden="true">([^<]*)</div>', body)
    assert hidden
    assert hidden[1] == "Two studies &amp; a doubt"
    assert "color" not in hidden[0]
    assert said(body).startswith("Two studies & a doubt")


def test_an_intro_stands_before_the_articles_in_both_parts() -> None:
    ArticleFactory.create()
    words = written(Depth.STANDARD, intro="A quiet week.\n\nRest <well>.")
    assert words.html.index("<p>A quiet week.</p>") < words.html.index("<h2")
    assert "<p>Rest &lt;well&gt;.</p>" in words.html
    assert words.text.index("A quiet week.\n\nRest <well>.") < words.text.index("SLOW TAPPING")


def test_a_digest_without_articles_is_its_intro() -> None:
    words = written(Depth.STANDARD, intro="We are back.", subject="We are back", kind="letter")
    assert words.subject == "We are back"
    for part in (said(words.html), said(words.text)):
        assert "We are back." in part
        assert "0 new" not in part
        assert "nsubscribe" in part
        assert "browser" not in part


def test_the_title_is_the_subject_that_the_editor_chose() -> None:
    ArticleFactory.create()
    words = written(Depth.GIST, subject="Slow & steady")
    assert words.subject == "Slow & steady"
    assert "<title>Slow &amp; steady</title>" in words.html


def test_more_than_one_wants_is_named_with_a_way_to_it() -> None:
    ArticleFactory.create()
    now = timezone.now()
    digest = Digest(covers_from_at=now - timedelta(weeks=1), covers_to_at=now)
    content = building.Content(summaries(), Depth.GIST, text_only=False, more=3)
    words = building.write(digest, content)
    for part in (words.html, words.text):
        assert f"{SITE}/articles/" in part
        assert "more than you asked for" in part


def test_an_open_drive_shows_its_sum_and_its_last_day() -> None:
    ArticleFactory.create()
    drive = DriveFactory.create()
    gift(drive, 25_000)
    words = written(Depth.STANDARD)
    for part in (said(words.html), said(words.text)):
        assert "$250 raised of $1,000 goal" in part
        assert "It runs until" in part
    assert 'width="25%"' in words.html


def test_a_drive_that_met_its_goal_says_thank_you() -> None:
    ArticleFactory.create()
    gift(DriveFactory.create(), 100_000)
    words = written(Depth.STANDARD)
    for part in (said(words.html), said(words.text)):
        assert "The goal is met: thank you." in part


@pytest.mark.parametrize(("days", "is_told"), [(1, True), (14, True), (15, False)])
def test_what_a_drive_brought_is_told_for_two_weeks_after_it(days: int, is_told: bool) -> None:
    ArticleFactory.create()
    today = timezone.localdate()
    drive = DriveFactory.create(
        starts_on=today - timedelta(days=40),
        ends_on=today - timedelta(days=days),
        thanks="It pays for a year.",
    )
    gift(drive, 90_000)
    words = written(Depth.STANDARD)
    for part in (said(words.html), said(words.text)):
        assert ("$900 came in, of $1,000 goal. It pays for a year." in part) is is_told


def test_an_open_drive_comes_before_one_that_is_over() -> None:
    ArticleFactory.create()
    today = timezone.localdate()
    DriveFactory.create(name="The open one", starts_on=today - timedelta(days=90))
    DriveFactory.create(name="The old one", ends_on=today - timedelta(days=1))
    text = written(Depth.STANDARD).text
    assert "THE OPEN ONE" in text
    assert "THE OLD ONE" not in text


def test_words_of_an_author_cannot_break_the_layout() -> None:
    ArticleFactory.create(
        title="</mj-text> & <b>", standfirst="{{ x }} <!-- -->", body="<p>&lt;/td&gt;</p>"
    )
    html = written(Depth.FULL).html
    assert "&lt;/mj-text&gt; &amp; &lt;b&gt;" in html
    assert "{{ x }} &lt;!-- --&gt;" in html
    assert html.rstrip().endswith("</html>")


def test_all_tags_of_the_layout_were_known_to_mjml() -> None:
    ArticleFactory.create()
    html = written(Depth.FULL).html
    assert "<mj" not in html
    assert html.count("<table") == html.count("</table>")
    assert html.count("<div") == html.count("</div>")


def test_whole_articles_of_any_length_leave_room_for_the_link_to_leave_r11() -> None:
    for _ in range(8):
        ArticleFactory.create(body=f"<p>{'A sentence of some words. ' * 40}</p>" * 20)
    words = written(Depth.FULL)
    size = len(words.html.encode())
    assert 50_000 < size < 90_000
    assert words.html.count("Read it on the site") == 3
    assert words.html.count("Read the article") == 5
    assert words.text.count("On the site") == 3


def test_twenty_of_the_longest_summaries_with_their_studies_have_room_r11() -> None:
    studies = StudyFactory.create_batch(4)
    ArticleFactory.create_batch(
        20, title="t" * 200, standfirst="s" * 300, gist=["g" * 300] * 7, studies=studies
    )
    html = written(Depth.FULL).html
    assert 70_000 < len(html.encode()) < 90_000
    assert html.count("<h2") == 20


G, S, F = Depth.GIST, Depth.STANDARD, Depth.FULL


@pytest.mark.parametrize(
    ("wanted", "sizes", "room", "depths_chosen"),
    [
        (F, [(1, 2, 10), (1, 2, 10)], 20, [F, F]),
        (F, [(1, 2, 10), (1, 2, 10)], 19, [S, F]),
        (F, [(1, 2, 10), (1, 2, 30)], 12, [F, S]),
        (F, [(1, 2, 10), (1, 2, 30)], 11, [S, S]),
        (F, [(1, 2, 10), (1, 5, 30)], 3, [S, G]),
        (F, [(9, 9, 9)], 1, [G]),
        (S, [(1, 2, 10), (1, 2, 10)], 4, [S, S]),
        (S, [(1, 2, 10), (1, 3, 10)], 4, [S, G]),
        (G, [(9, 9, 9)], 1, [G]),
        (F, [], 0, []),
    ],
)
def test_the_largest_go_less_deep_until_all_fit(
    wanted: Depth, sizes: list[tuple[int, int, int]], room: int, depths_chosen: list[Depth]
) -> None:
    named = [dict(zip((G, S, F), one, strict=True)) for one in sizes]
    assert fitting(named, wanted, room=room) == depths_chosen


def test_variants_of_one_digest_share_what_was_made(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = StudyFactory.create()
    ArticleFactory.create(body=f"<p>It works.{mark(study)}</p>")
    articles = summaries()
    first = parts_of(articles, Depth.FULL)
    monkeypatch.setattr(depths, "letter_html", None)
    with django_assert_num_queries(0):
        assert parts_of(articles, Depth.FULL) == first


@pytest.mark.parametrize("days", [-30, 1])
def test_a_letter_of_gists_alone_says_nothing_of_a_drive(days: int) -> None:
    ArticleFactory.create()
    today = timezone.localdate()
    drive = DriveFactory.create(
        name="The drive",
        starts_on=today - timedelta(days=40),
        ends_on=today - timedelta(days=days),
    )
    gift(drive, 25_000)
    words = written(Depth.GIST)
    for part in (said(words.html), said(words.text)):
        assert "the drive" not in part.lower()
        assert "$250" not in part
        assert "give" not in part.lower()
