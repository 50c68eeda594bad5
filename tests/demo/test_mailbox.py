"""The reading side of the demo's mail."""

import random
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

BOUNCES = sorted((Path(__file__).parents[1] / "data" / "bounces").glob("*.eml"))
FIRST = 1_800_000_000_000_000_000
WITH_BOTH = EmailMessage()
WITH_BOTH["Subject"] = "Ahoj, žluťoučký koni"
WITH_BOTH.set_content("Read on: https://fibrosite.example/one\n")
WITH_BOTH.add_alternative(
    '<!doctype html><html><head lang="en"><title>x</title></head><body>Hi</body></html>',
    subtype="html",
)
NESTED = b"".join(
    b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (depth, depth)
    for depth in range(3000)
)


@pytest.fixture(autouse=True)
def mail(tmp_path: Path, settings: Settings) -> Path:
    """The folder of the letters."""
    settings.MAILBOX_DIR = tmp_path
    return tmp_path


def keep(mail: Path, letter: bytes, number: int = 0, to: str = "bea@readers.example") -> str:
    """Store a letter as the mail server does; its id."""
    letter_id = str(FIRST + number)
    envelope = f"X-Envelope-From: a@fibrosite.example\r\nX-Envelope-To: {to}\r\n"
    (mail / f"{letter_id}.eml").write_bytes(envelope.encode() + letter)
    return letter_id


def pages_of(letter_id: str) -> list[str]:
    return [reverse("demo:mailbox")] + [
        reverse(f"demo:{name}", args=[letter_id]) for name in ("message", "message_html", "raw")
    ]


def test_an_empty_mailbox_says_so(cleo: Client, mail: Path) -> None:
    assert "No letters yet" in cleo.get(reverse("demo:mailbox")).text
    mail.rmdir()
    assert "No letters yet" in cleo.get(reverse("demo:mailbox")).text


def test_the_newest_letter_comes_first(cleo: Client, mail: Path) -> None:
    for number in range(3):
        keep(mail, b"Subject: letter %d\r\n\r\n" % number, number)
    page = cleo.get(reverse("demo:mailbox")).text
    assert page.index("letter 2") < page.index("letter 1") < page.index("letter 0")


def test_fifty_letters_make_a_page(cleo: Client, mail: Path) -> None:
    for number in range(51):
        keep(mail, b"Subject: letter %d.\r\n\r\n" % number, number)
    first = cleo.get(reverse("demo:mailbox"))
    assert "letter 1." in first.text
    assert "letter 0." not in first.text
    assert 'href="?page=2"' in first.text
    second = cleo.get(reverse("demo:mailbox"), {"page": "2"})
    assert "letter 0." in second.text
    assert "letter 1." not in second.text


@pytest.mark.parametrize("page", ["0", "-1", "99", "two", ""])
def test_a_page_that_is_none_shows_one_that_is(cleo: Client, mail: Path, page: str) -> None:
    keep(mail, b"Subject: here\r\n\r\n")
    assert "here" in cleo.get(reverse("demo:mailbox"), {"page": page}).text


def test_the_letters_of_one_reader_can_be_asked_for(cleo: Client, mail: Path) -> None:
    for number in range(60):
        keep(mail, b"Subject: for Bea %d.\r\n\r\n" % number, number)
    keep(mail, b"Subject: for Dan\r\n\r\n", 99, to="DAN+x@readers.example")
    page = cleo.get(reverse("demo:mailbox"), {"to": "dan+x@readers.example"}).text
    assert "for Dan" in page
    assert "for Bea" not in page
    page = cleo.get(reverse("demo:mailbox"), {"to": "bea@readers.example"}).text
    assert 'href="?to=bea%40readers.example&amp;page=2"' in page


def test_a_letter_shows_its_headers_its_text_and_its_html(cleo: Client, mail: Path) -> None:
    letter_id = keep(mail, WITH_BOTH.as_bytes())
    page = cleo.get(reverse("demo:message", args=[letter_id])).text
    assert "Ahoj, žluťoučký koni" in page
    assert "bea@readers.example" in page
    assert '<a href="https://fibrosite.example/one"' in page
    assert f'src="/mailbox/{letter_id}.html"' in page


def test_the_html_part_is_kept_apart_from_the_site(cleo: Client, mail: Path) -> None:
    letter_id = keep(mail, WITH_BOTH.as_bytes())
    answer = cleo.get(reverse("demo:message_html", args=[letter_id]))
    policy = dict(
        part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "'self'",
        "base-uri": "'self'",
        "frame-ancestors": "'self'",
    }
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert '<head lang="en"><base target="_top"><title>' in answer.text


def test_an_html_part_without_a_head_still_opens_links_outside(cleo: Client, mail: Path) -> None:
    letter_id = keep(mail, b"Content-Type: text/html\r\n\r\n<header>Hi</header>")
    answer = cleo.get(reverse("demo:message_html", args=[letter_id]))
    assert answer.text == '<base target="_top"><header>Hi</header>'


def test_markup_in_a_text_part_or_a_subject_stays_text(cleo: Client, mail: Path) -> None:
    script = b"<script>alert(1)</script>"
    letter_id = keep(mail, b"Subject: " + script + b"\r\nX-" + script + b": 1\r\n\r\n" + script)
    for url in pages_of(letter_id)[:2]:
        assert "<script>alert" not in cleo.get(url).text


def test_the_raw_letter_comes_byte_for_byte(cleo: Client, mail: Path) -> None:
    letter_id = keep(mail, b"\xff\x00 odd\r\n.\r\n")
    answer = cleo.get(reverse("demo:raw", args=[letter_id]))
    assert answer.content == (mail / f"{letter_id}.eml").read_bytes()
    assert answer["Content-Type"] == "message/rfc822"
    assert answer["Content-Disposition"] == f'attachment; filename="{letter_id}.eml"'


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "..%2Fsecret",
        "%2e%2e/secret",
        "secret",
        f"{FIRST}%0A",
        f"{FIRST}%00",
        "\N{ARABIC-INDIC DIGIT ONE}" * 19,
        f"{FIRST + 1}",
        "1" * 18,
        "1" * 20,
    ],
)
def test_no_other_file_can_be_read(cleo: Client, mail: Path, name: str) -> None:
    (mail / "secret.eml").write_text("Subject: secret\n\n")
    (mail.parent / "secret.eml").write_text("Subject: secret\n\n")
    keep(mail, b"")
    for ending in ("/", ".html", ".eml"):
        assert cleo.get(f"/mailbox/{name}{ending}").status_code == 404


def test_reading_changes_nothing_and_posting_is_refused(cleo: Client, mail: Path) -> None:
    letter_id = keep(mail, WITH_BOTH.as_bytes())
    for url in pages_of(letter_id):
        assert cleo.head(url).status_code == 200
        assert cleo.post(url).status_code == 405


def test_a_letter_in_a_strange_charset_is_read_as_well_as_can_be(cleo: Client, mail: Path) -> None:
    head = b"Content-Type: text/plain; charset=%s\r\nSubject: =?%s?q?gr=fc=DFe?=\r\n\r\n"
    for number, (charset, seen) in enumerate(
        {b"latin-1": "grüße", b"klingon": "gr=fc=DFe"}.items()
    ):
        letter_id = keep(mail, head % (charset, charset) + b"body \xfc", number)
        assert seen in cleo.get(reverse("demo:message", args=[letter_id])).text


@pytest.mark.parametrize(
    "letter",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\xff\xfe" * 50, id="noise"),
        pytest.param(b"Subject: =?utf-8?b?!!!?= =?x?y?z?=\r\n\r\n", id="broken encoded words"),
        pytest.param(b"Subject: =?unicode_escape?q?=5Cud800?=\r\n\r\n", id="a lone surrogate"),
        pytest.param(b"Subject: =?idna?q?=ff?=\r\n\r\n", id="idna"),
        pytest.param(b"Subject: =?utf-8?b?YQ?=\r\n\r\n", id="base64 without its end"),
        pytest.param("Subject: holá\r\n\r\nčau".encode(), id="raw UTF-8"),
        pytest.param(b"Content-Type: text/plain; charset=undefined\r\n\r\nx", id="undefined"),
        pytest.param(b"Content-Type: text/plain; charset=hex\r\n\r\nx", id="no text codec"),
        pytest.param(b"Content-Type: text/plain; charset=a\x00b\r\n\r\nx", id="NUL in a name"),
        pytest.param(b"Content-Type: text/html; charset*=x'y'%ff\r\n\r\nx", id="RFC 2231"),
        pytest.param(b"Content-Type: multipart/mixed\r\n\r\nx", id="no boundary"),
        pytest.param(b"Content-Type: multipart/alternative; boundary=a\r\n\r\n--a", id="cut off"),
        pytest.param(b"Content-Type: ;;;\r\nContent-Disposition: ;\r\n\r\nx", id="no type"),
        pytest.param(
            b"Content-Transfer-Encoding: base64\r\nContent-Type: text/plain\r\n\r\n=====a",
            id="broken base64",
        ),
        pytest.param(
            b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 1\r\n\xff",
            id="broken uuencode",
        ),
        pytest.param(NESTED, id="nested 3,000 deep"),
        pytest.param(b"Content-Type: message/rfc822\n\n" * 3000, id="letters in letters"),
        *(pytest.param(file.read_bytes(), id=file.stem) for file in BOUNCES),
    ],
)
def test_no_letter_breaks_the_mailbox(cleo: Client, mail: Path, letter: bytes) -> None:
    letter_id = keep(mail, letter)
    for url in pages_of(letter_id):
        assert cleo.get(url).status_code == 200, url


def test_damaged_letters_do_not_break_the_mailbox(cleo: Client, mail: Path) -> None:
    chance = random.Random(1)
    for source in [WITH_BOTH.as_bytes(), *(file.read_bytes() for file in BOUNCES)]:
        damaged = bytearray(source)
        for _ in range(60):
            damaged[chance.randrange(len(damaged))] = chance.choice(b'\x00\n\r;="?_ \xff%*')
        letter_id = keep(mail, bytes(damaged))
        for url in pages_of(letter_id):
            assert cleo.get(url).status_code == 200, url
