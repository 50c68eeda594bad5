"""The digest as it goes over the wire, byte by byte (mail rules R1-R12)."""

import re
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from django.utils import timezone
from pytest_django import Settings

from newsletter import answering, delivering
from newsletter.models import Subscriber
from newsletter.tokens import read_leave_token
from tests.factories import ArticleFactory, DriveFactory, SubscriberFactory
from tests.newsletter.conftest import Post
from tests.newsletter.scenes import built_digest, sign_up

pytestmark = pytest.mark.django_db

LEAVE = re.compile(r"https://fibrosite\.example/unsubscribe/([\w.-]+)/")


class Links(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.pictures: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a":
            self.found.append(values.get("href") or "")
        if tag == "img":
            self.pictures.append(values.get("src") or "")


def part(letter: EmailMessage, kind: str) -> str:
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def links_in_text(text: str) -> set[str]:
    return set(re.findall(r"https?://\S+", text))


@pytest.fixture
def letter(bea: Subscriber, post: Post) -> EmailMessage:
    """Bea's copy of a digest of two articles with a drive, as her mail program reads it."""
    ArticleFactory.create(title="Was müde Muskeln sagen: “a review”", standfirst="Ein ⅓ & mehr.")
    DriveFactory.create()
    digest = built_digest()
    delivering.deliver_round(digest.pk)
    (letter,) = post.parsed()
    return letter


def test_the_headers_to_leave_are_there_once(letter: EmailMessage) -> None:
    assert letter.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    (header,) = letter.get_all("List-Unsubscribe") or []
    assert re.fullmatch(r"<https://fibrosite\.example/unsubscribe/[\w.-]+/>", header.strip())


def test_the_headers_survive_folding_as_bytes(letter: EmailMessage, post: Post) -> None:
    head = post.letters[0].split(b"\r\n\r\n", 1)[0]
    assert re.search(rb"(?m)^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r?$", head)
    assert re.search(rb"(?m)^List-Unsubscribe: ?(\r\n)? ?<https://[^\s>]+>\r?$", head)


def test_the_link_names_nobody(letter: EmailMessage, bea: Subscriber) -> None:
    found = LEAVE.search(letter["List-Unsubscribe"])
    assert found
    assert read_leave_token(found[1]) == bea.key
    assert "bea" not in found[0]
    assert not re.search(r"\b\d+\b", found[1].split(".")[0])


def test_the_list_has_a_name_of_its_own(letter: EmailMessage) -> None:
    assert letter.get_all("List-ID") == ["Fibrosite digest <digest.fibrosite.example>"]


def test_the_list_id_can_be_read_whatever_the_name_of_the_site(
    bea: Subscriber, post: Post, settings: Settings
) -> None:
    settings.SITE_NAME = "Müde, aber wach"
    delivering.deliver_round(built_digest().pk)
    head = post.letters[0].split(b"\r\n\r\n", 1)[0].decode("ascii")
    assert re.search(r"(?m)^List-ID:.*(\n .*)*<digest\.fibrosite\.example>\r?$", head)
    assert post.parsed()[0]["List-ID"].startswith("Müde, aber wach digest")


def test_it_goes_to_bea_alone(letter: EmailMessage, post: Post) -> None:
    assert letter.get_all("To") == ["bea@readers.example"]
    assert letter["Cc"] is None
    assert letter["Bcc"] is None
    assert post.recipients == ["bea@readers.example"]


def test_digests_and_other_letters_come_from_two_addresses(
    letter: EmailMessage, post: Post, cleo
) -> None:
    sign_up(cleo, "cleo@readers.example")
    answering.answer_waiting(now=timezone.now())
    digest_from, other_from = (x["From"].addresses[0].addr_spec for x in post.parsed())
    assert digest_from == "digest@fibrosite.example"
    assert other_from == "hello@fibrosite.example"


def test_it_has_one_message_id_and_a_date(letter: EmailMessage) -> None:
    (message_id,) = letter.get_all("Message-ID") or []
    assert re.fullmatch(r"<[\w.]+@fibrosite\.example>", message_id)
    assert letter["Date"].datetime


def test_text_comes_first_then_html(letter: EmailMessage) -> None:
    assert letter.get_content_type() == "multipart/alternative"
    kinds = [piece.get_content_type() for piece in letter.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert "It was small." in part(letter, "plain")
    assert "It was small." in part(letter, "html")


def test_both_parts_have_the_same_links(letter: EmailMessage) -> None:
    text = links_in_text(part(letter, "plain"))
    html = set(Links(part(letter, "html")).found)
    # The text ends with the address of the site, which no button of the HTML needs to repeat.
    assert text - {"https://fibrosite.example/"} == html - {"https://fibrosite.example/"}
    assert len(html) >= 4


def test_links_lead_straight_to_the_site(letter: EmailMessage) -> None:
    for link in Links(part(letter, "html")).found:
        assert link.startswith("https://fibrosite.example/"), link
        assert "?" not in link


def test_both_parts_say_why_from_whom_and_how_to_leave(
    letter: EmailMessage, settings: Settings
) -> None:
    for kind in ("plain", "html"):
        words = part(letter, kind)
        assert "You get this because" in words
        assert settings.SENDER_NAME in words
        assert settings.POSTAL_ADDRESS in words
        assert "nsubscribe" in words
        assert LEAVE.search(words)


def test_no_slot_is_left_unfilled(letter: EmailMessage) -> None:
    for kind in ("plain", "html"):
        assert not re.search("[\ue000-\uf8ff]|{{|{%", part(letter, kind))


def test_nothing_in_it_reports_back(letter: EmailMessage) -> None:
    html = part(letter, "html")
    assert Links(html).pictures == []
    assert not re.search(r"url\(|@import|<script|<link|<iframe", html)


def test_letters_outside_ascii_arrive_whole(letter: EmailMessage) -> None:
    assert "Was müde Muskeln sagen: “a review”" in part(letter, "html")
    assert "WAS MÜDE MUSKELN SAGEN: “A REVIEW”" in part(letter, "plain")
    assert "Ein ⅓ &amp; mehr." in part(letter, "html")
    assert "Ein ⅓ & mehr." in part(letter, "plain")


def test_lines_are_short_and_end_as_they_must(bea: Subscriber, post: Post) -> None:
    ArticleFactory.create(title="ü" * 200, standfirst="é" * 300, gist=["ß" * 300, "x" * 300])
    delivering.deliver_round(built_digest(standfirst="word " * 59).pk)
    raw = post.letters[0]
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert post.parsed()[0]["Subject"].startswith("What slow tapping shows")


def test_a_digest_of_twenty_articles_is_not_cut_by_gmail(bea: Subscriber, post: Post) -> None:
    ArticleFactory.create_batch(19, standfirst="s" * 200, gist=["g" * 150] * 5)
    delivering.deliver_round(built_digest().pk)
    assert len(post.letters[0]) < 100_000
    assert part(post.parsed()[0], "html").count("Read the article") == 20


def test_nor_are_twenty_articles_of_the_longest_kind(bea: Subscriber, post: Post) -> None:
    ArticleFactory.create_batch(20, title="t" * 200, standfirst="s" * 300, gist=["g" * 300] * 7)
    delivering.deliver_round(built_digest().pk)
    html = part(post.parsed()[0], "html")
    assert html.index("unsubscribe</a>") < len(html.encode()) < 100_000


def test_a_title_cannot_write_headers(bea: Subscriber, post: Post) -> None:
    digest = built_digest(title="Rest\r\nBcc: everyone@readers.example")
    delivering.deliver_round(digest.pk)
    (letter,) = post.parsed()
    assert letter["Subject"] == "Rest Bcc: everyone@readers.example"
    assert letter["Bcc"] is None


def test_each_reader_gets_a_link_and_an_id_of_their_own(
    bea: Subscriber, post: Post, settings: Settings
) -> None:
    settings.MAIL_CONNECTIONS = 1
    SubscriberFactory.create_batch(9)
    delivering.deliver_round(built_digest().pk)
    letters = post.parsed()
    assert len(post.letters) == 10
    assert len({letter["To"] for letter in letters}) == 10
    assert len({letter["List-Unsubscribe"] for letter in letters}) == 10
    assert len({letter["Message-ID"] for letter in letters}) == 10
    assert len(post.sessions) == 1
    for letter in letters:
        mine = LEAVE.findall(letter["List-Unsubscribe"])
        for kind in ("plain", "html"):
            assert set(LEAVE.findall(part(letter, kind))) == set(mine)
