"""What is kept of a text, and what is read from it."""

import pytest

from articles.models.body import BodyField
from articles.prose import (
    BODY_EXTENSIONS,
    cited_keys,
    headings,
    term_slugs,
    with_anchors,
    with_whole_marks,
    words_of,
)

FIELD = BodyField(extensions=BODY_EXTENSIONS)
LONG = "k" * 10_000


def kept(html: str) -> str:
    """What the database gets of it."""
    return FIELD.sanitize(html)


@pytest.mark.parametrize(
    "html",
    [
        '<p>Sleep <cite-ref data-key="gentile-2019"></cite-ref>.</p>',
        '<p><strong><em><cite-ref data-key="a_B-9"></cite-ref></em></strong></p>',
        '<h2 id="sleep">Sleep <cite-ref data-key="a"></cite-ref></h2>',
        '<ul><li><p>One <glossary-term data-slug="pem">PEM</glossary-term></p></li></ul>',
        '<p><glossary-term data-slug="pem"><strong>P</strong>EM</glossary-term></p>',
        '<p><a href="https://example.org">See <cite-ref data-key="a"></cite-ref></a></p>',
        f'<p><cite-ref data-key="{"k" * 140}"></cite-ref></p>',
    ],
)
def test_whole_marks_are_kept_as_they_are(html: str):
    assert kept(html) == html


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>One <cite-ref></cite-ref>two</p>", "<p>One two</p>"),
        ('<p><cite-ref data-key=""></cite-ref>x</p>', "<p>x</p>"),
        ('<p><cite-ref data-key="a b"></cite-ref>x</p>', "<p>x</p>"),
        ("<p><cite-ref data-key='a\"><script>x</script>'></cite-ref>x</p>", "<p>x</p>"),
        ('<p><cite-ref data-key="größe"></cite-ref>x</p>', "<p>x</p>"),
        ('<p><cite-ref data-key="a&quot;onclick=b"></cite-ref>x</p>', "<p>x</p>"),
        (f'<p><cite-ref data-key="{LONG}"></cite-ref>x</p>', "<p>x</p>"),
        ("<p><cite-ref data-key=\"a\n\"></cite-ref>x</p>", "<p>x</p>"),
        ("<p><glossary-term>word</glossary-term></p>", "<p>word</p>"),
        ('<p><glossary-term data-slug="a b"><em>w</em></glossary-term></p>', "<p><em>w</em></p>"),
        ('<glossary-term data-slug="pem"><p>A</p><p>B</p></glossary-term>', "<p>A</p><p>B</p>"),
    ],
)  # fmt: skip
def test_a_broken_mark_goes_and_its_words_stay(html: str, left: str):
    assert kept(html) == left


def test_words_in_a_reference_mark_come_after_it():
    html = '<p><CITE-REF DATA-KEY="a">one <em>two</em></CITE-REF> three</p>'
    assert kept(html) == '<p><cite-ref data-key="a"></cite-ref>one <em>two</em> three</p>'


def test_a_mark_in_a_mark_of_its_kind_is_undone():
    term = '<glossary-term data-slug="{}">{}</glossary-term>'
    assert kept(f"<p>{term.format('a', 'x ' + term.format('b', 'y') + ' z')}</p>") == (
        f"<p>{term.format('a', 'x y z')}</p>"
    )


@pytest.mark.parametrize("tag", ["cite-ref data-key=a", "glossary-term data-slug=a", "h2 id=a"])
@pytest.mark.parametrize(
    "attack",
    [
        "onclick=alert(1)",
        'style="position:fixed"',
        "class=x",
        "slot=x",
        "is=x",
        "data-other=x",
        "href=javascript:alert(1)",
        "id='x y'",
    ],
)
def test_no_other_attribute_stays_on_a_mark(tag: str, attack: str):
    name, attribute = tag.split()
    html = kept(f"<p>before</p><{tag} {attack}>word</{name}>")
    assert html.count("=") == 1
    assert f'{attribute.replace("=", chr(61) + chr(34))}"' in html


@pytest.mark.parametrize("inner", ["<script>alert(1)</script>", "<style>*{}</style>", "<svg/>"])
@pytest.mark.parametrize("tag", ["cite-ref data-key=a", "glossary-term data-slug=a"])
def test_scripts_in_a_mark_go(tag: str, inner: str):
    name, _, attribute = tag.partition(" ")
    html = kept(f"<p><{name} {attribute}>{inner}</{name}>after</p>")
    whole = f'<p><{name} {attribute[:-1]}"a"></{name}>after</p>'
    assert html == whole


@pytest.mark.parametrize("tag", ["p", "ul", "li", "a", "strong", "blockquote"])
def test_only_headings_have_addresses(tag: str):
    assert "id=" not in kept(f'<{tag} id="x">word</{tag}>')


def test_sanitising_twice_changes_nothing():
    html = (
        '<h2>A & B</h2><h2>A & B</h2><p><cite-ref data-key="a">x</cite-ref>'
        '<glossary-term>y</glossary-term></p><h3 id="1 2">C</h3>'
    )
    assert kept(kept(html)) == kept(html)


# Addresses of headings


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        ("What they saw", "what-they-saw"),
        ("  Schlaf &amp; Müdigkeit ", "schlaf-mudigkeit"),
        ("Was <em>it</em> sl<strong>ee</strong>p?", "was-it-sleep"),
        ('Sleep <cite-ref data-key="gentile-2019"></cite-ref>', "sleep"),
        ("&lt;script&gt;", "script"),
        ("疲労", "section"),
        ("🙂", "section"),
        ("", "section"),
        ("word " * 40, "-".join(["word"] * 16)),
        ("Gist", "gist-2"),
        ("Mark 3", "mark-3-2"),
    ],
)  # fmt: skip
def test_a_heading_gets_its_address_from_its_words(text: str, anchor: str):
    assert with_anchors(f"<h2>{text}</h2>") == f'<h2 id="{anchor}">{text}</h2>'


def test_an_address_that_is_there_stays_whatever_the_words():
    html = '<h2 id="old">New words</h2><h3 id="Old_2">More</h3>'
    assert with_anchors(html) == html


def test_addresses_are_unique_and_those_there_go_first():
    html = '<h2>Sleep</h2><h2 id="sleep">Rest</h2><h3>Sleep</h3><h3 id="sleep">Naps</h3>'
    assert with_anchors(html) == (
        '<h2 id="sleep-2">Sleep</h2><h2 id="sleep">Rest</h2>'
        '<h3 id="sleep-3">Sleep</h3><h3 id="naps">Naps</h3>'
    )


@pytest.mark.parametrize("bad", ["", "a b", "größe", "a&quot;b", "main", "ref-2", LONG])
def test_what_is_no_free_slug_is_made_anew(bad: str):
    assert with_anchors(f'<h2 id="{bad}">Sleep</h2>') == '<h2 id="sleep">Sleep</h2>'


def test_anchoring_twice_changes_nothing():
    once = with_anchors("<h2>Sleep</h2><h2>Sleep</h2><h3>Gist</h3><h2></h2><p>text</p>")
    assert with_anchors(once) == once


# Reading


def test_keys_and_slugs_come_in_order_with_repeats():
    html = kept(
        '<h2>A <cite-ref data-key="b-2"></cite-ref></h2><ol><li><p><em>'
        '<cite-ref data-key="a-1"></cite-ref></em></p></li></ol>'
        '<p><glossary-term data-slug="pem">PEM</glossary-term> '
        '<cite-ref data-key="b-2"></cite-ref>'
        '<glossary-term data-slug="dose">dose</glossary-term></p>'
    )
    assert cited_keys(html) == ["b-2", "a-1", "b-2"]
    assert term_slugs(html) == ["pem", "dose"]


def test_a_mark_written_about_is_no_mark():
    html = kept('<p>&lt;cite-ref data-key="a"&gt;&lt;/cite-ref&gt;</p>')
    assert cited_keys(html) == []
    assert with_whole_marks(html) == html


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("", 0),
        ("<p></p>", 0),
        ("<p>&nbsp; </p>", 0),
        ("<p>One two</p><p>three</p>", 3),
        ("<h2>One</h2><ul><li><p>two</p></li></ul>", 2),
        ("<p>one<br>two</p>", 2),
        ("<p>un<em>believ</em>able</p>", 1),
        ("<p>salt &amp; water</p>", 3),
        ('<p>slept<cite-ref data-key="a-very-long-key"></cite-ref>.</p>', 1),
        ('<p><a href="/x/" title="four words in it">one</a></p>', 1),
    ],
)
def test_words_are_counted_as_read(html: str, words: int):
    assert words_of(html) == words


def test_headings_come_with_level_address_and_plain_text():
    html = (
        '<h2 id="a">Sleep &amp; <em>rest</em></h2><p>x</p>'
        '<h3 id="b">A &lt;b&gt;<br>line <cite-ref data-key="k"></cite-ref></h3><h2>No id</h2>'
    )
    assert headings(html) == [(2, "a", "Sleep & rest"), (3, "b", "A <b>line"), (2, "", "No id")]
