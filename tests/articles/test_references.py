"""Marks in the text get their numbers when the page is shown, and lead there and back."""

import re

import pytest

from articles.models import Article, ArticleQuote, ArticleStudyCard, ArticleText, Reference
from articles.rendering import Body, render_body
from research.models import Study
from tests.articles.bodies import mark
from tests.factories import ArticleFactory, StudyFactory, add_block

pytestmark = pytest.mark.django_db


@pytest.fixture
def studies() -> list[Study]:
    return [StudyFactory.create(title=f"Study {letter}") for letter in "ABCDEF"]


def article_with(*texts: str) -> Article:
    article = ArticleFactory.create(body="")
    for html in texts:
        add_block(article, ArticleText, html=html)
    return article


def html_of(body: Body) -> str:
    return "".join(piece.html for piece in body.pieces)


def marks_in(body: Body) -> list[str]:
    """What readers see of each group of marks, in order."""
    groups = re.findall(r'<sup class="marks">(.*?)</sup>', html_of(body))
    return [re.sub(r"<[^>]+>", "", group) for group in groups]


def titles(body: Body) -> list[str]:
    return [str(listed.reference.study.title) for listed in body.numbered if listed.reference.study]


def test_numbers_follow_the_first_mark_of_each_study(studies: list[Study]):
    a, b, c, *_ = studies
    article = article_with(
        f"<p>One{mark(c)} and two{mark(a)}.</p>", f"<p>Both{mark(b)}{mark(c)}.</p>"
    )
    body = render_body(article)
    assert titles(body) == ["Study C", "Study A", "Study B"]
    assert marks_in(body) == ["1", "2", "1,3"]


def test_a_text_moved_up_gives_new_numbers(studies: list[Study]):
    a, b, *_ = studies
    article = article_with(f"<p>One{mark(a)}.</p>", f"<p>Two{mark(b)}.</p>")
    ArticleText.objects.filter(html__contains=b.slug).update(ordering=1)
    assert titles(render_body(article)) == ["Study B", "Study A"]


@pytest.mark.parametrize(
    ("cited", "shown"),
    [
        ("A", "1"),
        ("AB", "1,2"),
        ("ABC", "1\u20133"),
        ("CAB", "1\u20133"),
        ("ABCE", "1\u20133,5"),
        ("ABD", "1,2,4"),
        ("AAB", "1,2"),
        ("ABDEF", "1,2,4\u20136"),
    ],
)
def test_neighbours_are_drawn_together_from_three_on(studies: list[Study], cited: str, shown: str):
    first = f"<p>All{' x'.join(mark(study) for study in studies)}.</p>"
    chosen = [studies["ABCDEF".index(letter)] for letter in cited]
    body = render_body(article_with(first, f"<p>Here{mark(*chosen)}.</p>"))
    assert marks_in(body)[-1] == shown


@pytest.mark.parametrize("between", ["", " ", "&nbsp;", ", ", ",&nbsp;", "\n"])
def test_what_stands_between_neighbours_is_not_shown(studies: list[Study], between: str):
    a, b, *_ = studies
    body = render_body(article_with(f"<p>Here {mark(a)}{between}{mark(b)}, then.</p>"))
    assert re.search(r"Here<sup.*</sup>, then\.", html_of(body))
    assert marks_in(body) == ["1,2"]


@pytest.mark.parametrize("before", ["", " ", "&nbsp;", " &nbsp;\n\xa0 "])
def test_a_mark_stands_close_to_the_word_before_it(studies: list[Study], before: str):
    body = render_body(article_with(f"<p>One{before}{mark(studies[0])} two&nbsp; three.</p>"))
    assert "One<sup" in html_of(body)
    assert "</sup> two&nbsp; three." in html_of(body)


def test_each_mark_leads_to_its_reference_and_back(studies: list[Study]):
    a, *_ = studies
    body = render_body(article_with(f"<p>One{mark(a)}.</p><p>Again{mark(a)}.</p>"))
    html, listed = html_of(body), body.numbered[0]
    assert re.findall(r'<a id="([^"]+)" href="#([^"]+)"', html) == [
        ("mark-1", f"ref-{a.slug}"),
        ("mark-2", f"ref-{a.slug}"),
    ]
    assert listed.anchor == f"ref-{a.slug}"
    assert re.findall(r'href="#(mark-\d)"', listed.html()) == ["mark-1", "mark-2"]


def test_all_of_a_range_lead_back_to_it(studies: list[Study]):
    a, b, c, *_ = studies
    body = render_body(article_with(f"<p>All{mark(a, b, c)}.</p>"))
    assert [listed.marks for listed in body.numbered] == [["mark-1"]] * 3


def test_a_screen_reader_hears_what_a_mark_is(studies: list[Study]):
    a, b, c, d, *_ = studies
    html = html_of(render_body(article_with(f"<p>All{mark(a, b, c)}.</p><p>One{mark(d)}.</p>")))
    assert re.findall(r'aria-label="([^"]+)"', html) == ["References 1 to 3", "Reference 4"]


def test_quotes_and_study_cards_cite_their_study(studies: list[Study]):
    a, b, *_ = studies
    article = article_with(f"<p>One{mark(b)}.</p>")
    add_block(article, ArticleQuote, text="It faded.", study=a)
    add_block(article, ArticleStudyCard, study=b)
    body = render_body(article)
    assert titles(body) == ["Study B", "Study A"]
    assert marks_in(body) == ["1", "2", "1"]


def test_what_no_mark_names_comes_last_in_the_writers_order(studies: list[Study]):
    a, b, c, *_ = studies
    article = article_with(f"<p>One{mark(c)}.</p>")
    Reference.objects.create(article=article, study=b, position=1)
    Reference.objects.create(article=article, study=a, position=2)
    Reference.objects.filter(study=c).update(position=3)
    body = render_body(article)
    assert titles(body) == ["Study C", "Study B", "Study A"]
    assert [listed.label for listed in body.numbered] == ["1", "2", "3"]


def test_a_note_with_a_sign_stands_outside_the_numbers(studies: list[Study]):
    a, b, *_ = studies
    article = article_with(f"<p>Noted{mark(a)} and cited{mark(b)}, both{mark(a, b)}.</p>")
    Reference.objects.filter(study=a).update(sign="*")
    body = render_body(article)
    assert marks_in(body) == ["*", "1", "1,*"]
    assert [listed.label for listed in body.notes] == ["*"]
    assert titles(body) == ["Study B"]


def test_a_source_that_is_no_study_is_listed_as_typed():
    article = article_with('<p>So they say.<cite-ref data-key="nih-2024"></cite-ref></p>')
    Reference.objects.create(
        article=article,
        key="nih-2024",
        source="National Institutes of Health <b>& co</b>. Fact sheet. 2024.",
        url="https://nih.example/sheet?a=1&b=2",
        access="free",
    )
    body = render_body(article)
    assert marks_in(body) == ["1"]
    html = body.numbered[0].html()
    words = "National Institutes of Health &lt;b&gt;&amp; co&lt;/b&gt;. Fact sheet. 2024."
    assert f'<a href="https://nih.example/sheet?a=1&amp;b=2">{words}</a>' in html
    assert '<span class="access">Free to read</span>' in html


def test_a_mark_without_reference_shows_nothing_to_readers(studies: list[Study]):
    a, *_ = studies
    article = article_with(
        f'<p>Lost <cite-ref data-key="nobody"></cite-ref>, found{mark(a)}'
        f'<cite-ref data-key="nobody"></cite-ref>.</p>'
    )
    body = render_body(article)
    assert marks_in(body) == ["1"]
    assert "Lost, found<sup" in html_of(body)


def test_a_study_marked_in_the_text_becomes_a_reference_once(studies: list[Study]):
    a, b, *_ = studies
    article = article_with(f"<p>One{mark(a)}.</p>", f"<p>Again{mark(a)}, two{mark(b)}.</p>")
    add_block(article, ArticleQuote, text="It faded.", study=b)
    references = article.references.values_list("key", "study__title", "position")
    assert list(references) == [(a.slug, "Study A", 0), (b.slug, "Study B", 1)]


def test_readers_find_the_list_at_the_end_of_the_page(cleo, studies: list[Study]):
    a, b, *_ = studies
    article = article_with(f"<p>One{mark(a)}, two{mark(b)}.</p>")
    page = cleo.get(article.get_absolute_url()).content.decode()
    assert page.index(f'<li id="ref-{a.slug}">') < page.index(f'<li id="ref-{b.slug}">')
    assert f"/articles/{article.slug}/references.ris" in page


@pytest.mark.parametrize(("form", "found"), [("ris", "TI  - "), ("bib", "title = "), ("json", "")])
def test_the_references_of_an_article_can_be_taken_along(
    cleo, studies: list[Study], form: str, found: str
):
    b, a = studies[1], studies[0]
    article = article_with(f"<p>Two{mark(b)}, one{mark(a)}.</p>")
    response = cleo.get(f"/articles/{article.slug}/references.{form}")
    text = response.content.decode()
    assert text.index(f"{found}") >= 0
    assert text.index("Study B") < text.index("Study A")
    assert "Study C" not in text
    assert f'filename="{article.slug}.{form}"' in response["Content-Disposition"]


def test_the_references_of_a_draft_are_not_for_readers(cleo, studies: list[Study]):
    draft = ArticleFactory.create(state="draft", published_at=None, studies=studies)
    assert cleo.get(f"/articles/{draft.slug}/references.ris").status_code == 404
