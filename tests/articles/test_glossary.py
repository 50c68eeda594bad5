"""Words that readers stumble on: explained where they stand, and on a page of their own."""

import pytest
from django.test import Client

from articles.models import ArticleText, Term
from articles.rendering import render_body
from tests.articles.bodies import term
from tests.factories import ArticleFactory, TermFactory, add_block
from tests.reading import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def malaise() -> Term:
    return TermFactory.create(
        name="post-exertional malaise", slug="pem", definition="Worse after effort & <later>."
    )


def shown(html: str) -> str:
    article = ArticleFactory.create(body="")
    add_block(article, ArticleText, html=html)
    return "".join(piece.html for piece in render_body(article).pieces)


def test_a_marked_word_opens_its_definition_without_script(malaise: Term):
    html = shown(f"<p>Then {term(malaise, '<em>malaise</em>')} came.</p>")
    page = Page(html)
    [button] = page.all("button")
    [definition] = [span for span in page.all("span") if "popover" in span]
    assert button["popovertarget"] == definition["id"]
    assert button["type"] == "button"
    assert "<em>malaise</em></button>" in html
    assert "Worse after effort &amp; &lt;later&gt;." in html
    assert "/glossary/#pem" in html


def test_each_use_has_an_address_of_its_own(malaise: Term):
    html = shown(f"<p>{term(malaise, 'PEM')} and {term(malaise, 'PEM')}.</p>")
    assert len({button["popovertarget"] for button in Page(html).all("button")}) == 2


def test_a_better_definition_reaches_every_text(malaise: Term):
    article = ArticleFactory.create(body=f"<p>{term(malaise, 'PEM')}.</p>")
    Term.objects.update(definition="A crash.")
    assert "A crash." in render_body(article).pieces[0].html


def test_a_word_that_nobody_explains_stays_a_word(malaise: Term):
    html = f"<p>{term(malaise, 'PEM')}.</p>"
    malaise.delete()
    assert "<p>PEM.</p>" in shown(html)


def test_the_glossary_lists_all_words(cleo: Client, malaise: Term):
    TermFactory.create(name="brain fog", slug="brain-fog")
    page = cleo.get("/glossary/").content.decode()
    assert page.index('id="brain-fog"') < page.index('id="pem"')


def test_an_empty_glossary_says_so(cleo: Client):
    assert "No word is explained here yet." in cleo.get("/glossary/").content.decode()


def test_the_text_editor_finds_words_by_part_of_their_name(ada_browses: Client, malaise: Term):
    TermFactory.create(name="brain fog", slug="brain-fog")
    found = ada_browses.get("/admin/articles/term/pick/", {"q": "exert mal"}).json()
    assert found == {
        "terms": [{"slug": "pem", "name": malaise.name, "definition": malaise.definition}]
    }


def test_cleo_may_not_search_words_in_the_newsroom(cleo: Client, malaise: Term):
    assert cleo.get("/admin/articles/term/pick/", {"q": "mal"}).status_code == 302
