"""Questions to the registers: polite, patient for a while, and never without an answer."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from research.sources import fetching
from research.sources.fetching import NotKnownError, UnreachableError, look_up
from tests.research.registers import (
    PAIN_SCORE,
    PESTICIDES,
    PESTICIDES_PMID,
    Answer,
    Registers,
    breaks_off,
    drips,
    hangs_up,
    pubmed_xml,
    registers,
    sends,
    sleeps,
    works,
)

__all__ = ["registers"]
ROOT = Path(__file__).parents[2]


def test_a_doi_is_asked_for_with_who_asks(registers: Registers, settings: Any):
    settings.RESEARCH_CONTACT = "desk@fibrosite.example"
    registers.will(works(PAIN_SCORE))
    source, record = look_up("doi", PAIN_SCORE)
    assert (source, record.year) == ("Crossref", 2021)
    assert registers.asked == [f"/works/{PAIN_SCORE}?mailto=desk@fibrosite.example"]
    assert registers.introductions == [
        f"Fibrosite/{settings.VERSION} (https://fibrosite.example; mailto:desk@fibrosite.example)"
    ]


def test_the_version_that_we_give_is_ours(settings: Any):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == settings.VERSION


def test_a_doi_with_odd_signs_stays_one_part_of_the_address(registers: Registers):
    registers.will(works(PAIN_SCORE))
    look_up("doi", "10.1002/(sici)1(199)2:3<4::aid?x=#/../5>6")
    assert registers.asked[0].startswith("/works/10.1002/(sici)1(199)2:3<4::aid?x=#/../5>6?mailto=")


def test_a_pmid_leads_to_the_fuller_record_of_crossref(registers: Registers):
    registers.will(sends(pubmed_xml(PESTICIDES_PMID)), works(PAIN_SCORE, DOI=PESTICIDES))
    source, record = look_up("pmid", PESTICIDES_PMID)
    assert (source, record.doi, record.pmid) == ("Crossref", PESTICIDES, PESTICIDES_PMID)
    assert registers.asked[0].startswith("/efetch.fcgi?db=pubmed&id=28775130&retmode=xml&tool=")
    assert registers.asked[1].startswith(f"/works/{PESTICIDES}")


@pytest.mark.parametrize("crossref", [sends("", 404), sends("", 500), hangs_up])
def test_pubmed_alone_will_do(registers: Registers, crossref: Answer):
    registers.will(sends(pubmed_xml(PESTICIDES_PMID)), crossref)
    source, record = look_up("pmid", PESTICIDES_PMID)
    assert (source, record.journal) == ("PubMed", "Occupational and environmental medicine")


def test_what_a_register_does_not_know_is_asked_for_once(registers: Registers):
    registers.will(sends("Resource not found.", 404))
    with pytest.raises(NotKnownError, match="Crossref does not know this DOI"):
        look_up("doi", PAIN_SCORE)
    assert len(registers.asked) == 1


@pytest.mark.parametrize("answer", [sends("<PubmedArticleSet/>"), sends("bad id", 400)])
def test_a_pmid_that_is_not_given_out_is_not_known(registers: Registers, answer: Answer):
    registers.will(answer)
    with pytest.raises(NotKnownError, match="PubMed does not know this PMID"):
        look_up("pmid", "99999999")


@pytest.mark.parametrize(
    "stumble",
    [sends("", 429), sends("", 500), sends("", 503, Retry_After="0"), hangs_up, breaks_off],
)
def test_two_stumbles_are_forgiven(registers: Registers, stumble: Answer):
    registers.will(stumble, stumble, works(PAIN_SCORE))
    assert look_up("doi", PAIN_SCORE).record.doi == PAIN_SCORE
    assert len(registers.asked) == 3


@pytest.mark.parametrize("failure", [sends("", 429), sends("", 502), hangs_up, breaks_off])
def test_after_three_tries_it_did_not_answer(registers: Registers, failure: Answer):
    registers.will(failure)
    with pytest.raises(UnreachableError, match=r"^Crossref did not answer\.$"):
        look_up("doi", PAIN_SCORE)
    assert len(registers.asked) == 3


@pytest.mark.parametrize("failure", [sleeps, drips])
def test_nobody_waits_longer_than_the_limit(registers: Registers, failure: Answer):
    registers.will(failure)
    with pytest.raises(UnreachableError, match="did not answer"):
        look_up("doi", PAIN_SCORE)
    assert len(registers.asked) == 1


@pytest.mark.parametrize("wait", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_asked_to_wait_for_long_it_gives_up_at_once(registers: Registers, wait: str):
    registers.will(sends("", 429, Retry_After=wait))
    with pytest.raises(UnreachableError, match="did not answer"):
        look_up("doi", PAIN_SCORE)
    assert len(registers.asked) == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        sends("<html>maintenance</html>"),
        sends("{}"),
        sends("[]"),
        sends(json.dumps({"message": {"title": ["no DOI"]}})),
        sends("[" * 100_000),
        sends(b"\xff\xfe\x00garbage"),
    ],
)
def test_nonsense_is_named_as_such(registers: Registers, nonsense: Answer):
    registers.will(nonsense)
    with pytest.raises(UnreachableError, match="cannot be read"):
        look_up("doi", PAIN_SCORE)


def test_nonsense_from_pubmed_too(registers: Registers):
    registers.will(sends(b"\xff\xfe"))
    with pytest.raises(UnreachableError, match="PubMed answered, but"):
        look_up("pmid", PESTICIDES_PMID)


def test_an_endless_answer_is_cut(registers: Registers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetching, "MAX_BYTES", 1000)
    registers.will(works(PAIN_SCORE))
    with pytest.raises(UnreachableError, match="cannot be read"):
        look_up("doi", PAIN_SCORE)


def test_a_refusal_is_not_repeated(registers: Registers):
    registers.will(sends("", 403))
    with pytest.raises(UnreachableError, match="refused to answer"):
        look_up("doi", PAIN_SCORE)
    assert len(registers.asked) == 1


def test_a_doi_that_moved_is_followed_at_home(registers: Registers):
    registers.will(sends("", 301, Location="/works/moved"), works(PAIN_SCORE))
    assert look_up("doi", "10.5555/old").record.doi == PAIN_SCORE
    assert registers.asked[1] == "/works/moved"


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.2:9/", "https://example.org/", "//example.org"]
)
def test_nobody_leads_it_to_another_host(registers: Registers, elsewhere: str):
    registers.will(sends("", 302, Location=elsewhere))
    with pytest.raises(UnreachableError):
        look_up("doi", PAIN_SCORE)
    assert len(registers.asked) == 1


def test_going_in_circles_ends(registers: Registers):
    registers.will(sends("", 302, Location="/works/round"))
    with pytest.raises(UnreachableError):
        look_up("doi", PAIN_SCORE)
    assert len(registers.asked) == fetching.MAX_REDIRECTS + 1


def test_without_a_network_it_says_so(settings: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetching, "FIRST_PAUSE", 0.01)
    settings.CROSSREF_URL = "http://crossref.invalid"
    with pytest.raises(UnreachableError, match="Crossref did not answer"):
        look_up("doi", PAIN_SCORE)
