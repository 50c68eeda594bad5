"""The watch: signals from both sides and both sources become notices, once, and stay."""

import itertools
import json
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection

from research import tasks, watching
from research.models import Notice, Study
from research.records import Signal
from research.sources import updates
from tests.factories import NOON, StudyFactory
from tests.newsletter.scenes import everything, race
from tests.research.registers import (
    Answer,
    Registers,
    breaks_off,
    drips,
    hangs_up,
    registers,
    sends,
    sleeps,
)

__all__ = ["registers"]

pytestmark = pytest.mark.django_db

MINUTE, HOUR, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(weeks=1)

# As Crossref has it: the notice names the work twice, once for each source.
RETRACTED = "10.1177/1758835920922055"
NOTICE = "10.1177/17588359231172420"


def update(doi: str, kind: str = "retraction", source: str = "publisher", **more: Any) -> Any:
    day = [[2023, 4, 22]]
    return {"DOI": doi, "type": kind, "source": source, "updated": {"date-parts": day}, **more}


def by_both(doi: str, kind: str = "retraction") -> list[Any]:
    return [update(doi, kind), update(doi, kind, "retraction-watch")]


def crossref(*works: dict[str, Any]) -> Answer:
    """A register that holds these works, and answers its filters as Crossref does."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        asked = [
            one.split(":", 1) for one in parse_qs(parts.query).get("filter", [""])[0].split(",")
        ]
        if parts.path != "/works":
            doi = unquote(parts.path.removeprefix("/works/"))
            held = [work for work in works if work["DOI"].lower() == doi]
            reply = sends(json.dumps({"message": held[0]})) if held else sends("", status=404)
            return reply(request)
        found = [work for work in works if any(_fits(work, *one) for one in asked)]
        return sends(json.dumps({"message": {"items": found}}))(request)

    return answer


def _fits(work: dict[str, Any], name: str, doi: str = "") -> bool:
    if name == "doi":
        return str(work["DOI"]).lower() == doi
    return any(one["DOI"].lower() == doi for one in work.get("update-to", []))


def told(study: Study) -> list[tuple[Any, ...]]:
    """All that is known of a study's notices, apart from when it was found."""
    fields = ("kind", "doi", "from_publisher", "from_retraction_watch", "dated_on")
    return sorted(study.notices.values_list(*fields), key=str)


def status(study: Study) -> str:
    study.refresh_from_db()
    return study.status


@pytest.fixture
def study() -> Study:
    return StudyFactory.create(doi=RETRACTED)


BOTH_SIDES: dict[str, list[dict[str, Any]]] = {
    "the work says so": [{"DOI": RETRACTED, "updated-by": by_both(NOTICE)}],
    "the notice says so": [{"DOI": RETRACTED}, {"DOI": NOTICE, "update-to": by_both(RETRACTED)}],
    "both say so": [
        {"DOI": RETRACTED.upper(), "updated-by": by_both(NOTICE)},
        {"DOI": NOTICE, "update-to": by_both(RETRACTED.upper())},
    ],
    "each says what the other does not": [
        {"DOI": RETRACTED, "updated-by": [update(NOTICE)]},
        {"DOI": NOTICE, "update-to": [update(RETRACTED, source="retraction-watch")]},
    ],
}


@pytest.mark.parametrize("works", BOTH_SIDES.values(), ids=BOTH_SIDES)
def test_both_sides_and_both_sources_make_one_notice(
    study: Study, registers: Registers, works: list[dict[str, Any]]
):
    registers.will(crossref(*works))
    assert watching.tick(now=NOON) == 1
    assert told(study) == [("retraction", NOTICE, True, True, date(2023, 4, 22))]
    assert status(study) == "retracted"
    assert study.checked_at == NOON


def test_it_introduces_itself_and_asks_for_no_more_than_it_reads(
    study: Study, registers: Registers
):
    registers.will(crossref())
    watching.tick(now=NOON)
    works, notices = registers.asked
    assert f"filter=doi:{RETRACTED}&" in works
    assert f"filter=updates:{RETRACTED}&" in notices
    for question in (works, notices):
        assert "select=DOI,update-to,updated-by" in question
        assert "mailto=" in question
    assert "mailto:" in registers.introductions[0]


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([], "none"),
        (["new_version"], "none"),
        (["erratum"], "corrected"),
        (["addendum", "expression_of_concern"], "concern"),
        (["partial_retraction"], "concern"),
        (["retraction", "correction"], "retracted"),
        (["withdrawal"], "retracted"),
        (["68818"], "none"),
    ],
)
def test_the_status_is_that_of_the_gravest_notice(
    study: Study, registers: Registers, kinds: list[str], expected: str
):
    said = [update(f"10.5555/notice.{kind}", kind) for kind in kinds]
    registers.will(crossref({"DOI": RETRACTED, "updated-by": said}))
    watching.tick(now=NOON)
    assert status(study) == expected


def test_a_notice_in_the_library_is_not_what_it_says_of_another(study: Study, registers: Registers):
    notice = StudyFactory.create(doi=NOTICE)
    registers.will(crossref({"DOI": RETRACTED}, {"DOI": NOTICE, "update-to": by_both(RETRACTED)}))
    assert watching.tick(now=NOON) == 2
    assert (status(study), status(notice)) == ("retracted", "none")


def test_a_retraction_in_place_counts_and_a_new_version_in_place_does_not(registers: Registers):
    own = ("10.5555/gone", "10.5555/newer")
    gone, newer = (StudyFactory.create(doi=doi) for doi in own)
    registers.will(
        crossref(
            {"DOI": own[0], "update-to": [update(own[0])]},
            {"DOI": own[1], "update-to": [update(own[1], "new_version")],
             "updated-by": [update(own[1], "new_version")]},
        )
    )  # fmt: skip
    watching.tick(now=NOON)
    assert (status(gone), status(newer)) == ("retracted", "none")


SIGNALS = [
    Signal("correction", "10.5555/c", "retraction-watch", date(2020, 2, 2)),
    Signal("concern", "", "retraction-watch", date(2019, 1, 1)),
    Signal("retraction", "10.5555/r", "publisher", date(2021, 1, 1)),
    Signal("retraction", "10.5555/r", "retraction-watch", date(2020, 12, 31)),
    Signal("concern", "10.5555/e", "publisher"),
]


@pytest.mark.parametrize("visits", [1, 2, 5])
def test_the_order_in_which_signals_come_does_not_matter(visits: int):
    results = set()
    for order in itertools.permutations(SIGNALS):
        study = StudyFactory.create()
        size = -(-len(order) // visits)
        for start in range(0, len(order), size):
            watching.take_in(study, order[start : start + size], now=NOON)
        results.add((status(study), tuple(told(study))))
    ((end, rows),) = results
    assert end == "retracted"
    assert rows == (
        ("concern", "10.5555/e", True, False, None),
        ("correction", "10.5555/c", False, True, date(2020, 2, 2)),
        ("retraction", "10.5555/r", True, True, date(2020, 12, 31)),
    )


def test_a_second_look_writes_nothing_but_when_it_looked(study: Study, registers: Registers):
    registers.will(crossref(*BOTH_SIDES["both say so"]))
    watching.tick(now=NOON)
    before = everything()
    watching.tick(now=NOON + WEEK)
    after = everything()
    (row,) = before["research.Study"]
    row |= {"checked_at": NOON + WEEK, "check_again_at": NOON + 2 * WEEK}
    assert after == before


def test_what_was_checked_is_left_in_peace_for_a_week(study: Study, registers: Registers):
    registers.will(crossref({"DOI": RETRACTED}))
    watching.tick(now=NOON)
    registers.asked.clear()
    assert watching.tick(now=NOON + WEEK - MINUTE) == 0
    assert registers.asked == []
    assert watching.tick(now=NOON + WEEK) == 1


def test_those_never_checked_come_first_then_the_longest_unchecked(
    registers: Registers, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watching, "BATCH", 2)
    checked = {"late": NOON - 2 * WEEK, "later": NOON - 3 * WEEK, "never": None}
    for name, at in checked.items():
        again = at + WEEK if at else NOON - MINUTE
        StudyFactory.create(doi=f"10.5555/{name}", checked_at=at, check_again_at=again)
    registers.will(crossref())
    watching.tick(now=NOON)
    assert "doi:10.5555/never,doi:10.5555/later&" in registers.asked[0]


def test_a_study_without_doi_is_not_watched(registers: Registers):
    StudyFactory.create(doi=None)
    assert watching.tick(now=NOON) == 0
    assert registers.asked == []


def test_what_the_source_does_not_hold_was_not_checked(study: Study, registers: Registers):
    registers.will(crossref())
    assert watching.tick(now=NOON) == 1
    study.refresh_from_db()
    assert study.checked_at is None
    assert study.check_again_at == NOON + WEEK


FAILURES = {
    "down": sends("oh", status=500),
    "throttled": sends("slow down", status=429, Retry_After="3600"),
    "closed": sends("", status=403),
    "garbage": sends("<html>It works</html>"),
    "another shape": sends('{"message": "odd"}'),
    "no list": sends('{"message": {"items": {"DOI": "10.1"}}}'),
    "half an answer": breaks_off,
    "silence": hangs_up,
    "a slow answer": drips,
    "no answer": sleeps,
}


@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES)
def test_a_source_that_is_down_or_talks_nonsense_changes_nothing(
    study: Study, registers: Registers, answer: Any
):
    registers.will(crossref(*BOTH_SIDES["both say so"]))
    watching.tick(now=NOON)
    before = everything()
    registers.will(answer)
    later = NOON + WEEK
    assert watching.tick(now=later) == 0
    before["research.Study"][0]["check_again_at"] = later + HOUR
    assert everything() == before
    registers.asked.clear()
    assert watching.tick(now=later + HOUR - MINUTE) == 0
    assert registers.asked == []


def test_a_source_that_fails_in_the_middle_changes_nothing(study: Study, registers: Registers):
    registers.will(
        crossref({"DOI": RETRACTED, "updated-by": by_both(NOTICE)}), sends("", status=500)
    )
    assert watching.tick(now=NOON) == 0
    assert (status(study), study.checked_at) == ("none", None)


@pytest.mark.parametrize(
    "odd",
    [
        {"DOI": None},
        {"DOI": "no doi"},
        {},
        {"DOI": "10.5555/other", "update-to": [None, "text", {"DOI": 5}, {"type": "retraction"}]},
        {"DOI": "10.5555/other", "update-to": {"DOI": RETRACTED}},
        "a text",
    ],
)
def test_one_odd_record_spoils_no_other(study: Study, registers: Registers, odd: Any):
    items = [odd, {"DOI": RETRACTED, "updated-by": [update(NOTICE)]}]
    registers.will(sends(json.dumps({"message": {"items": items}})))
    assert watching.tick(now=NOON) == 1
    assert status(study) == "retracted"


def test_a_refused_question_is_asked_for_each_alone(study: Study, registers: Registers):
    StudyFactory.create(doi="10.5555/poison")
    held = crossref({"DOI": RETRACTED, "updated-by": [update(NOTICE)]})
    registers.will(sends("", status=400), held)
    assert watching.tick(now=NOON) == 2
    assert status(study) == "retracted"
    assert Study.objects.get(doi="10.5555/poison").checked_at is None


def test_a_doi_with_a_comma_is_asked_for_alone(study: Study, registers: Registers):
    odd = ("10.1002/(sici)1,2", "10.1002/(sici)3,4")
    one, other = (StudyFactory.create(doi=doi) for doi in odd)
    registers.will(
        crossref(
            {"DOI": RETRACTED},
            {"DOI": odd[0], "updated-by": [update(NOTICE)]},
            {"DOI": odd[1], "update-to": [update(odd[1])]},
        )
    )
    assert watching.tick(now=NOON) == 3
    assert [status(each) for each in (study, one, other)] == ["none", "retracted", "retracted"]


def test_no_question_is_too_long_for_an_address():
    longest = [f"10.1002/{'<' * 240}{number}" for number in range(20)]
    portions = updates.batches(longest)
    assert [doi for portion in portions for doi in portion] == longest
    lengths = [len(quote(",".join(f"updates:{d}" for d in one), safe="")) for one in portions]
    assert max(lengths) <= updates.MAX_FILTER
    assert len(portions) == 4


def test_a_source_that_takes_a_notice_back_takes_no_banner(study: Study, registers: Registers):
    registers.will(crossref(*BOTH_SIDES["both say so"]))
    watching.tick(now=NOON)
    registers.will(crossref({"DOI": RETRACTED}))
    assert watching.tick(now=NOON + WEEK) == 1
    assert status(study) == "retracted"
    assert study.checked_at == NOON + WEEK


def test_an_editor_sets_a_notice_aside_and_no_signal_brings_it_back(ada: User, study: Study):
    signals = [Signal("retraction", NOTICE), Signal("correction", "10.5555/c")]
    watching.take_in(study, signals, now=NOON)
    retraction = Notice.objects.filter(kind="retraction")
    assert watching.set_aside(retraction, ada, stands=False, now=NOON) == 1
    assert status(study) == "corrected"
    more = [*signals, Signal("retraction", NOTICE, "retraction-watch")]
    watching.take_in(study, more, now=NOON + WEEK)
    assert status(study) == "corrected"
    assert watching.set_aside(retraction, ada, stands=True, now=NOON) == 1
    assert status(study) == "retracted"


def test_a_doi_that_an_editor_changes_meanwhile_gets_no_answer_for_the_old_one(
    study: Study, monkeypatch: pytest.MonkeyPatch
):
    def answers(dois: list[str]) -> dict[str, list[Signal]]:
        Study.objects.filter(pk=study.pk).update(doi="10.5555/right")
        return {RETRACTED: [Signal("retraction", NOTICE)]}

    monkeypatch.setattr(watching, "signals_about", answers)
    watching.tick(now=NOON)
    assert (status(study), study.checked_at, told(study)) == ("none", None, [])


def test_the_scheduled_task_watches(study: Study, registers: Registers):
    registers.will(crossref(*BOTH_SIDES["both say so"]))
    with time_machine.travel(NOON, tick=False):
        tasks.watch()
    assert status(study) == "retracted"


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_ask_about_different_studies(
    registers: Registers, monkeypatch: pytest.MonkeyPatch
):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory serves one connection")
    monkeypatch.setattr(watching, "BATCH", 10)
    StudyFactory.create_batch(10)
    works = [{"DOI": doi} for doi in Study.objects.values_list("doi", flat=True)]
    registers.will(crossref(*works))
    checked = race(*[lambda: watching.tick(now=NOON)] * 3)
    assert sum(checked) == 10
    asked = [unquote(question) for question in registers.asked if "filter=doi:" in question]
    assert sum(question.count("doi:10.5555") for question in asked) == 10


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_hear_the_same_write_it_once():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory serves one connection")
    study = StudyFactory.create()
    new = race(*[lambda: watching.take_in(study, SIGNALS, now=NOON)] * 4)
    assert sorted(new) == [False, False, False, True]
    assert study.notices.count() == 3
