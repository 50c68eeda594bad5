"""Merged bytes say the same as the letter that Django would make, whatever the words are."""

import email
import random
import re
import uuid
from email.message import EmailMessage
from email.policy import default
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import Settings

from newsletter.events.copies import copy_token, return_path
from newsletter.inspecting import faults
from newsletter.letters import (
    CORRECTIONS_SLOT,
    LEAVE_SLOT,
    PREFERENCES_SLOT,
    digest_letter,
    render_letter,
)
from newsletter.models import Correction, Digest, Subscriber, Variant
from newsletter.sending.load import Copy
from newsletter.sending.merging import Merger, UnsafeValue
from newsletter.tokens import leave_token, preferences_token, read_leave_token

BEA = "bea@readers.example"
# What differs on purpose: the encoding of the parts, the boundary between them, the moment.
ENCODING = {"content-transfer-encoding", "content-type", "date"}
# Each is a trap for one who writes lines for the wire.
TRAPS = [
    *("a ", "word ", ".", "\n.", "\n..\n", "=", "=3D", " \n", "\t\n", "\n\n", "\r\n", "\r"),
    *("ü", "“quoted” ", "日本語", "🙂", "x" * 75, "y" * 1200, "ß" * 40, "\nFrom here ", "From "),
    *("\n--", "--=_7.1--", " ", "   ", "&amp;", "<b>", "\x0b", "\x01", "\u2028", "\u00ad", "A\n"),
]


def some_words(seed: int) -> str:
    """Words full of traps, with the slots of a letter among them."""
    chance = random.Random(seed)
    words = [chance.choice(TRAPS) for _ in range(chance.randrange(5, 80))]
    for slot in (LEAVE_SLOT, LEAVE_SLOT, PREFERENCES_SLOT):
        words.insert(chance.randrange(len(words)), slot)
    # A line end that is cut in two by nothing at all is no line end in anybody's text.
    text = "".join(words).replace("\r", "\r\n" if seed % 2 else "\r")
    place = chance.randrange(len(text))
    while text[place - 1] == "\r" or "\ue000" in text[place - 13 : place + 1]:
        place = (place + 1) % len(text)
    return f"{text[:place]}{CORRECTIONS_SLOT}{text[place:]}\n"


def a_load(**words: Any) -> Any:
    """A load of one variant and two corrections; nothing of it is in the database."""
    variant = Variant(
        pk=1, **{"subject": "News", "text": "Hello\n", "html": "<p>Hello</p>"} | words
    )
    corrections = {
        2: Correction(pk=2, text="Withdrawn: ü.\n\n", html="<p>Withdrawn: ü.</p>\n"),
        5: Correction(pk=5, text=".\n A trap \n.", html="<p>" + "long " * 40 + "</p>"),
    }
    digest = Digest(pk=7, subject="News of the week")
    return SimpleNamespace(digest=digest, variants={1: variant}, corrections=corrections)


def a_copy(address: str = BEA, *, pk: int = 17, corrections: tuple[int, ...] = ()) -> Copy:
    return Copy(pk, 0, 1, address, uuid.uuid4(), corrections, 1)


def reference(load: Any, copy: Copy) -> EmailMessage:
    """The same copy as Django makes it, parsed."""
    lines = [load.corrections[pk] for pk in copy.corrections]
    delivery: Any = SimpleNamespace(pk=copy.pk, corrections=SimpleNamespace(all=lambda: lines))
    reader = Subscriber(email=copy.email, key=copy.key)
    letter = digest_letter(load.digest, load.variants[1], delivery, reader)
    return parsed(letter.message().as_bytes())


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=default)


def unstuffed(content: bytes) -> bytes:
    """What a mail server keeps of the content."""
    assert content.endswith(b"\r\n.\r\n")
    return re.sub(rb"(?m)^\.", b"", content[: -len(b".\r\n")])


def merged(load: Any, copy: Copy) -> EmailMessage:
    return parsed(unstuffed(Merger(load).content(copy)))


def headers(letter: EmailMessage) -> list[tuple[str, str]]:
    return [
        (name, " ".join(str(value).split()))
        for name, value in letter.items()
        if name.lower() not in ENCODING
    ]


def words_of(letter: EmailMessage, kind: str) -> str:
    body = letter.get_body((kind,))
    assert body is not None
    words = body.get_payload(decode=True)
    assert isinstance(words, bytes)
    return re.sub("\r\n?", "\n", words.decode())


@pytest.mark.parametrize("seed", range(150))
def test_any_words_arrive_as_django_would_send_them(seed: int) -> None:
    load = a_load(text=some_words(seed), html=some_words(seed + 1000), subject=f"ü “{seed}” x")
    for corrections in ((), (2,), (2, 5)):
        copy = a_copy(corrections=corrections)
        ours, theirs = merged(load, copy), reference(load, copy)
        assert headers(ours) == headers(theirs)
        assert [part.get_content_type() for part in ours.iter_parts()] == [
            "text/plain",
            "text/html",
        ]
        for kind in ("plain", "html"):
            assert words_of(ours, kind) == words_of(theirs, kind)


@pytest.mark.parametrize("seed", range(30))
def test_a_letter_of_text_alone_has_one_part(seed: int) -> None:
    load, copy = a_load(text=some_words(seed), html=""), a_copy(corrections=(5,))
    ours, theirs = merged(load, copy), reference(load, copy)
    assert ours.get_content_type() == theirs.get_content_type() == "text/plain"
    assert headers(ours) == headers(theirs)
    assert words_of(ours, "plain") == words_of(theirs, "plain")


def test_a_text_that_ends_within_a_line_is_ended() -> None:
    content = Merger(a_load(text="Bye.", html="")).content(a_copy())
    assert content.endswith(b"\r\n\r\nBye.\r\n.\r\n")


@pytest.mark.django_db
def test_a_digest_of_real_words_keeps_the_rules_of_bulk_mail() -> None:
    context = {
        "articles": [],
        "intro": "A mild week.\n" + "word " * 60,
        "corrections": CORRECTIONS_SLOT,
        "leave_url": LEAVE_SLOT,
        "preferences_url": PREFERENCES_SLOT,
        "archive_url": "https://fibrosite.example/digests/7/",
    }
    words = render_letter("digest", context)
    load = a_load(subject=words.subject, text=words.text, html=words.html)
    found = faults(unstuffed(Merger(load).content(a_copy())))
    assert found == ["R5 the letter has no DKIM signature"]


@pytest.mark.parametrize("seed", range(150))
def test_no_server_needs_to_change_a_byte(seed: int) -> None:
    load = a_load(text=some_words(seed), html=some_words(seed + 1000))
    content = Merger(load).content(a_copy(corrections=(2, 5)))
    content.decode("ascii")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", content)
    lines = content.removesuffix(b".\r\n").split(b"\r\n")
    assert max(map(len, lines)) <= 998
    body = lines[lines.index(b"") :]
    assert max(map(len, body)) <= 76
    assert not [line for line in body if line.endswith((b" ", b"\t"))]
    assert not [line for line in body if line.startswith((b".", b"From "))]


def test_each_reader_gets_links_of_their_own_whatever_came_before() -> None:
    load = a_load(text=some_words(3), html=some_words(4))
    merger = Merger(load)
    copies = [a_copy(f"r{n}@readers.example", pk=n, corrections=(2,) * (n % 2)) for n in range(50)]
    for copy in copies:
        ours = parsed(unstuffed(merger.content(copy)))
        assert ours["To"] == copy.email
        assert ours["Message-ID"] == f"<digest.7.{copy.pk}@fibrosite.example>"
        assert ours["X-Digest-Copy"] == copy_token(copy.pk)
        assert "\0" not in words_of(ours, "plain") + words_of(ours, "html")
        for words in (ours["List-Unsubscribe"], words_of(ours, "plain"), words_of(ours, "html")):
            found = set(re.findall(r"/unsubscribe/([\w.-]+)/", words))
            assert found == {leave_token(copy.key)}
            assert read_leave_token(found.pop()) == copy.key
        assert preferences_token(copy.key) in words_of(ours, "plain")
        assert ("Withdrawn" in words_of(ours, "plain")) == bool(copy.corrections)


def test_the_unsubscribe_header_stands_on_one_line() -> None:
    copy = a_copy()
    line = f"List-Unsubscribe: <https://fibrosite.example/unsubscribe/{leave_token(copy.key)}/>"
    assert f"\r\n{line}\r\n".encode() in Merger(a_load()).content(copy)


def test_names_outside_ascii_are_encoded_as_django_does(settings: Settings) -> None:
    settings.SITE_NAME = "Müde, aber wach: " + "sehr " * 20
    settings.DIGEST_FROM = "Müde <digest@fibrosite.example>"
    load, copy = a_load(subject="Schläfrig, so " * 12), a_copy("bea@mühle.example")
    ours, theirs = merged(load, copy), reference(load, copy)
    assert headers(ours) == headers(theirs)
    assert ours["To"] == "bea@xn--mhle-0ra.example"


def test_a_rotated_key_signs_the_next_batch(settings: Settings) -> None:
    copy = a_copy()
    Merger(a_load()).content(copy)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    ours = merged(a_load(), copy)
    assert leave_token(copy.key) in ours["List-Unsubscribe"]
    assert ours["X-Digest-Copy"] == copy_token(copy.pk)


def test_the_envelope_names_the_plain_sender(settings: Settings) -> None:
    settings.DIGEST_FROM = "The digest <digest@fibrosite.example>"
    assert Merger(a_load()).sender(a_copy()) == b"digest@fibrosite.example"


def test_with_a_bounce_address_the_envelope_carries_the_mark(settings: Settings) -> None:
    settings.BOUNCE_ADDRESS = "bounces@mail.fibrosite.example"
    load, copy = a_load(), a_copy()
    assert Merger(load).sender(copy).decode() == return_path(copy.pk)
    assert headers(merged(load, copy)) == headers(reference(load, copy))


@pytest.mark.parametrize(
    "address",
    [
        "bea@readers.example\r\nBcc: all@readers.example",
        "bea@readers.example\n",
        "bea@readers.example\0",
        "bea\t@readers.example",
        "bêa@readers.example",
        "bea@readers.example, all@readers.example",
        "bea@readers.example>,<all@readers.example",
        "Bea <bea@readers.example>",
        "bea@" + "ü" * 70 + ".example",
        "bea",
        "@readers.example",
        "bea@",
        "",
    ],
)
def test_an_address_that_no_header_can_hold_is_refused(address: str) -> None:
    with pytest.raises(UnsafeValue):
        Merger(a_load()).content(a_copy(address))


def test_a_quoted_address_is_kept() -> None:
    assert merged(a_load(), a_copy('"bea b"@readers.example'))["To"] == '"bea b"@readers.example'


def test_an_unsafe_copy_leaves_nothing_behind_for_the_next() -> None:
    load, copy = a_load(), a_copy()
    merger = Merger(load)
    with pytest.raises(UnsafeValue):
        merger.content(a_copy("bea\r\n@readers.example"))
    assert headers(parsed(unstuffed(merger.content(copy)))) == headers(reference(load, copy))


def test_a_batch_of_more_variants_than_are_kept_is_merged_all_the_same() -> None:
    load = a_load()
    load.variants = {pk: Variant(pk=pk, subject=f"{pk}", text="x\n", html="") for pk in range(200)}
    merger = Merger(load)
    for pk in [*range(200), *range(200)]:
        copy = a_copy()
        copy.variant = pk
        assert parsed(unstuffed(merger.content(copy)))["Subject"] == str(pk)
