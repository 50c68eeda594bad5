"""The demo's content is read whole or not at all, and a slip in it is named with its place."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from articles.models import Article, ArticleFact, ArticleText, Page, Reference
from fibrosite.demo import loading
from fibrosite.demo.documents import ContentError, Documents
from research.models import Study
from tests.factories import NOON, AuthorFactory, SeriesFactory, StudyFactory

HEAD = """
slug = "slow-days"
title = "Slow days"
standfirst = "What a slow day is."
kind = "explainer"
author = "mira"
tags = ["fatigue"]
state = "published"
days = 2
picture_alt = "A lamp turned down low beside a book."
picture_caption = "Low light."
gist = ["One.", "Two.", "Three."]
"""
# An article takes the picture of its own name.
NAME = "13-reading-on-a-bad-day.toml"
PAGE = """
slug = "what-rest-is"
title = "What rest is"
standfirst = "In plain words."
reviewer = "mira"
reviewed = 30
state = "published"
"""


@pytest.fixture
def study(db: None) -> Study:
    AuthorFactory.create(slug="mira")
    return StudyFactory.create(doi="10.1155/2019/2623161")


def load_article(folder: Path, text: str, *, head: str = HEAD) -> Article:
    path = folder / NAME
    path.write_text(head + text, encoding="utf-8")
    Documents(NOON).load([path], [])
    return Article.objects.get()


def test_a_doi_in_the_text_becomes_the_key_of_its_study(study: Study, tmp_path: Path) -> None:
    html = '<p>Slow.<cite-ref data-key="10.1155/2019/2623161"></cite-ref></p>'
    article = load_article(tmp_path, f"[[block]]\ntype = 'text'\nhtml = '''{html}'''")
    assert f'data-key="{study.slug}"' in ArticleText.objects.get().html
    assert [reference.study for reference in article.references.all()] == [study]


def test_a_study_without_doi_is_named_by_its_address(study: Study, tmp_path: Path) -> None:
    guideline = StudyFactory.create(doi=None, url="https://www.nice.org.uk/guidance/ng206")
    text = '[[reference]]\nstudy = "https://www.nice.org.uk/guidance/ng206"\nrelation = "supports"'
    load_article(tmp_path, text)
    assert Reference.objects.get().study == guideline


def test_words_are_counted_and_blocks_keep_their_order(study: Study, tmp_path: Path) -> None:
    text = "\n".join(
        f"[[block]]\ntype = 'text'\nhtml = '<p>{word} words here.</p>'" for word in "ab"
    )
    article = load_article(tmp_path, text)
    assert article.words == 6
    assert [block.html[3] for block in ArticleText.objects.order_by("ordering")] == ["a", "b"]


def test_days_are_counted_from_the_day_of_loading(study: Study, tmp_path: Path) -> None:
    fact = """[[block]]
        type = "fact"
        label = "Price"
        value = "Ten dollars"
        source = "The pharmacy"
        checked = 20
        check_by = -5
    """
    load_article(tmp_path, fact)
    row = ArticleFact.objects.get()
    assert (NOON.date() - row.checked_on).days == 20
    assert (row.check_by_on - NOON.date()).days == -5
    assert row.is_overdue(NOON.date())


def test_a_related_article_may_come_later_than_the_one_that_names_it(
    study: Study, tmp_path: Path
) -> None:
    names = ["12-how-to-read-a-small-study", "13-reading-on-a-bad-day"]
    slugs = ["first", "second"]
    for name, slug, other in zip(names, slugs, reversed(slugs), strict=True):
        head = HEAD.replace("slow-days", slug)
        text = f'{head}[[block]]\ntype = "related"\nrelated = "{other}"\n'
        (tmp_path / f"{name}.toml").write_text(text)
    Documents(NOON).load(sorted(tmp_path.glob("*.toml")), [])
    assert Article.objects.count() == 2


def test_a_part_finds_its_series(study: Study, tmp_path: Path) -> None:
    series = SeriesFactory.create(slug="exercise")
    article = load_article(tmp_path, "", head=HEAD + 'series = "exercise"\npart = 2\n')
    assert (article.series, article.part) == (series, 2)


def test_a_page_has_its_reviewer_and_the_day_of_the_review(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "rest.toml"
    path.write_text(PAGE + '[[reference]]\nstudy = "10.1155/2019/2623161"\n')
    Documents(NOON).load([], [path])
    page = Page.objects.get()
    assert page.reviewer
    assert page.reviewed_on
    assert (NOON.date() - page.reviewed_on).days == 30
    assert [reference.study for reference in page.references.all()] == [study]


BAD = {
    "a key that no block has": (
        "[[block]]\ntype = 'text'\nhtml = '<p>One.</p>'\ncolour = 'red'",
        ["block 1 (text)", "colour: no such key"],
    ),
    "a type that does not exist": (
        "[[block]]\ntype = 'poll'",
        ["block 1 (poll)", "a type is one of text, figure"],
    ),
    "no type": ("[[block]]\nhtml = '<p>One.</p>'", ["block 1 (without a type)"]),
    "a study that is not in the library": (
        "[[block]]\ntype = 'study-card'\nstudy = '10.5555/none'",
        ["block 1 (study-card)", "no study 10.5555/none"],
    ),
    "a mark for a study that is not in the library": (
        "[[block]]\ntype = 'text'\n"
        """html = '<p>One.<cite-ref data-key="10.5555/none"></cite-ref></p>'""",
        ["block 1 (text)", "no study 10.5555/none"],
    ),
    "a picture that is not there": (
        "[[block]]\ntype = 'figure'\npicture = 'none.png'\nalt = 'A lamp.'",
        ["block 1 (figure)", "no picture none.png"],
    ),
    "a picture without words": (
        "[[block]]\ntype = 'figure'\npicture = '01-three-states.png'",
        ["block 1 (figure)", "alt: This field cannot be blank"],
    ),
    "an article that is not there": (
        "[[block]]\ntype = 'related'\nrelated = 'none'",
        ["block 1 (related), related: no article 'none'"],
    ),
    "a day in place of a number of days": (
        "[[block]]\ntype = 'box'\nkind = 'dose'\ntitle = 'Dose'\nhtml = '<p>One.</p>'\n"
        "checked = 2026-01-02",
        ["block 1 (box), checked: a number of days is needed"],
    ),
    "a second block, counted": (
        "[[block]]\ntype = 'text'\nhtml = '<p>One.</p>'\n[[block]]\ntype = 'text'\nhtml = ''",
        ["block 2 (text)", "html: This field cannot be blank"],
    ),
    "a reference to nothing": (
        "[[reference]]\nrelation = 'supports'",
        ["reference 1", "Choose a study, or describe another source"],
    ),
    "no TOML": ("[[block", ["Expected"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_slip_is_named_with_its_place(study: Study, tmp_path: Path, name: str) -> None:
    text, words = BAD[name]
    with pytest.raises(ContentError) as refusal:
        load_article(tmp_path, text)
    for word in [NAME, *words]:
        assert word in str(refusal.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('author = "mira"', "author: no author 'nobody'"),
        ("days = 2", "days: a number of days is needed"),
        ('state = "published"', "state: Value 'nobody' is not a valid choice"),
    ],
)
def test_a_slip_in_the_head_is_named(study: Study, tmp_path: Path, line: str, words: str) -> None:
    head = HEAD.replace(line, line.partition("=")[0] + '= "nobody"')
    with pytest.raises(ContentError) as refusal:
        load_article(tmp_path, "", head=head)
    assert f"{NAME}" in str(refusal.value)
    assert words in str(refusal.value)


def test_after_a_slip_nothing_is_left(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / NAME
    bad.write_text(HEAD.replace('"mira"', '"nobody"'))
    monkeypatch.setattr(loading, "_files", lambda folder: [bad])
    with pytest.raises(ContentError):
        loading.load()
    assert not User.objects.exists()
    assert not Study.objects.exists()


def test_the_second_time_changes_nothing(db: None) -> None:
    assert loading.load(now=timezone.now())
    before = Article.objects.count()
    assert not loading.load(now=timezone.now())
    assert Article.objects.count() == before


def test_the_command_names_the_slip_in_a_sentence(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / NAME
    bad.write_text("slug = ", encoding="utf-8")
    monkeypatch.setattr(loading, "_files", lambda folder: [bad])
    with pytest.raises(CommandError, match=rf"^The demo's content does not fit\. {NAME}: "):
        call_command("prepare_demo")
    assert not Article.objects.exists()
