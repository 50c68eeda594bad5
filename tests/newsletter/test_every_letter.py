"""What holds for each kind of letter, as it arrives: parts, hosts, look, and what filters say."""

import email
import email.policy
import re
import shutil
import subprocess
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from newsletter.inspecting import faults
from tests.newsletter.conftest import Post
from tests.newsletter.every_kind import DIGESTS, SINGLES, letters_of_every_kind

pytestmark = pytest.mark.django_db

OURS = "fibrosite.example"
# What the articles of the test cite.
CITED = {"full": {"video.example"}}
HIGHEST_SCORE = 1.0


@pytest.fixture
def letters(post: Post) -> dict[str, bytes]:
    """By their names, as raw bytes."""
    found = letters_of_every_kind(post)
    assert set(found) == {*DIGESTS, *SINGLES}
    return found


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(raw: bytes, kind: str) -> str:
    body = parsed(raw).get_body((kind,))
    return str(body.get_content()) if body else ""


def links(raw: bytes) -> tuple[set[str], set[str]]:
    in_text = set(re.findall(r"https?://[^\s<>]+", part(raw, "plain")))
    return in_text, {unescape(x) for x in re.findall(r'href="([^"]+)"', part(raw, "html"))}


def test_each_leads_to_this_site_and_to_what_it_cites_alone(letters: dict[str, bytes]) -> None:
    for name, raw in letters.items():
        in_text, in_html = links(raw)
        hosts = {urlsplit(link).hostname for link in in_text | in_html}
        assert hosts - CITED.get(name, set()) == {OURS}, name


def test_none_loads_anything_r12(letters: dict[str, bytes]) -> None:
    for name, raw in letters.items():
        html = part(raw, "html")
        assert not re.search(r"<img|<script|<link|<iframe|<form|url\(|@import|srcset", html), name


def test_both_parts_of_each_have_the_same_links_r9(letters: dict[str, bytes]) -> None:
    home = {f"https://{OURS}/"}
    for name, raw in letters.items():
        in_text, in_html = links(raw)
        if name != "text-only":
            assert in_text - home == in_html - home, name


def test_each_says_from_whom_it_is_and_why_r10(
    letters: dict[str, bytes],
) -> None:
    for name, raw in letters.items():
        for kind in ("plain", "html"):
            words = " ".join(unescape(part(raw, kind)).split())
            if words:
                assert settings.SENDER_NAME in words, name
                assert settings.POSTAL_ADDRESS in words, name
                assert re.search(r"You get this|You already get", words), (name, kind)


def test_no_letter_has_an_unfilled_slot_or_a_tag_of_the_layout(letters: dict[str, bytes]) -> None:
    for name, raw in letters.items():
        for kind in ("plain", "html"):
            assert not re.search("[\ue000-\uf8ff]|{{|{%|<mj-", part(raw, kind)), name


def test_each_html_part_fits_r11(letters: dict[str, bytes]) -> None:
    for name, raw in letters.items():
        assert len(part(raw, "html").encode()) < 100_000, name


def test_the_headers_to_leave_stand_on_digests_alone_r3(letters: dict[str, bytes]) -> None:
    for name, raw in letters.items():
        assert ("List-Unsubscribe" in parsed(raw)) is (name in DIGESTS), name
        assert ("List-Unsubscribe-Post" in parsed(raw)) is (name in DIGESTS), name


@pytest.mark.parametrize("name", ["gist", "standard", "full", "correction", "announcement"])
def test_a_digest_as_it_arrived_keeps_the_rules_but_for_the_signature(
    letters: dict[str, bytes], name: str
) -> None:
    # A relay signs it, and there is none here.
    assert faults(letters[name]) == ["R5 the letter has no DKIM signature"]


def test_who_wants_text_alone_gets_text_alone(letters: dict[str, bytes]) -> None:
    letter = parsed(letters["text-only"])
    assert letter.get_content_type() == "text/plain"
    assert "You get this because" in part(letters["text-only"], "plain")


def test_the_correction_names_the_study_in_both_parts(letters: dict[str, bytes]) -> None:
    for kind in ("plain", "html"):
        words = part(letters["correction"], kind)
        assert re.search("retracted: a study behind an article we sent you", words, re.IGNORECASE)
        assert words.count("Rest, paced by heart rate") == 1
        # It is among the new ones, too, in four variants of this digest.
        assert len(re.findall("Naltrexone in low doses(?! and)", words, re.IGNORECASE)) == 2


def test_what_is_given_a_ground_in_the_dark_is_given_a_colour_for_its_words() -> None:
    style = Path(settings.ROOT, "templates/newsletter/letters/base.mjml").read_text()
    rules = re.findall(r"^([^{}\n]+) \{([^{}]*)\}$", style.partition("@media")[2], re.MULTILINE)
    assert len(rules) > 5
    # The two halves of the bar hold no words.
    for names, declared in rules:
        if "background" in declared and names not in (".rest", ".done"):
            assert re.search(r"(?<!-)\bcolor:", declared), names


@pytest.mark.skipif(not shutil.which("spamassassin"), reason="spamassassin is not installed")
def test_spamassassin_finds_no_fault_with_any(letters: dict[str, bytes]) -> None:
    scores = {name: score_of(raw) for name, raw in spam_reports(letters).items()}
    assert set(scores) == set(letters)
    for name, (score, rules) in scores.items():
        assert score < HIGHEST_SCORE, (name, score, rules)
        assert not [rule for rule in rules if rule.startswith("MISSING_")], (name, rules)


def spam_reports(letters: dict[str, bytes]) -> dict[str, bytes]:
    """What spamassassin makes of each letter, by local rules, all in one run."""
    box = b"".join(
        b"From relay@fibrosite.example Thu Mar  5 12:00:00 2026\n"
        + f"X-Kind: {name}\n".encode()
        + re.sub(rb"(?m)^From ", b">From ", raw.replace(b"\r\n", b"\n"))
        + b"\n"
        for name, raw in letters.items()
    )
    done = subprocess.run(
        ["spamassassin", "-L", "--mbox"], input=box, capture_output=True, timeout=300, check=True
    )
    answers = re.split(rb"(?m)^From relay@\S+ .*\n", done.stdout)[1:]
    return {str(parsed(answer)["X-Kind"]): answer for answer in answers}


def score_of(answer: bytes) -> tuple[float, list[str]]:
    """The score and the names of the rules that matched."""
    status = "".join(str(parsed(answer)["X-Spam-Status"]).split())
    found = re.search(r"score=(-?[\d.]+).*?tests=([\w,]*?)(?:autolearn|version)", status)
    assert found, status
    return float(found[1]), found[2].split(",")
