"""Crossref's records, as they really come."""

from datetime import date
from typing import Any

import pytest

from research.names import Name
from research.records import Record, Signal
from research.sources import crossref
from tests.research.registers import WORKS


def record(doi: str) -> Record:
    return crossref.parse(WORKS[doi])


def work(**fields: Any) -> dict[str, Any]:
    return {"DOI": "10.5555/one", "type": "journal-article", "title": ["One"], **fields}


@pytest.mark.parametrize("doi", WORKS)
def test_every_recorded_work_is_read_as_plain_lines(doi: str):
    found = record(doi)
    assert found.doi == doi.lower()
    texts = [found.title, found.journal, found.publisher, *(name.family for name in found.authors)]
    assert not [text for text in texts if "\n" in text or "<" in text or "&amp;" in text]


def test_an_article_has_all_its_fields():
    assert record("10.1155/2021/6695741") == Record(
        doi="10.1155/2021/6695741",
        title="An Objective Pain Score for Chronic Pain Clinic Patients",
        authors=(
            Name("Pace", "Agnes K."),
            Name("Bruceta", "Melanio"),
            Name("Donovan", "John"),
            Name("Vaida", "Sonia J."),
            Name("Eckert", "Jill M."),
        ),
        journal="Pain Research and Management",
        publisher="Hindawi Limited",
        year=2021,
        month=2,
        day=8,
        volume="2021",
        pages="1-8",
        kind="journal-article",
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("clams (\n   <i>Tridacna maxima</i>\n   ) move", "clams (Tridacna maxima) move"),
        ("H<sub>2</sub>O &amp; pain", "H2O & pain"),
        ("double &amp;lt;i&amp;gt;escaped&amp;lt;/i&amp;gt;", "double escaped"),
        ("p < 0.05 and a<b and c>d", "p < 0.05 and a<b and c>d"),
        ("<mml:math><mml:mi>x</mml:mi></mml:math> rises", "x rises"),
        ("one<br/>two\u2009three\x00", "one two three"),
        ("D\u00e2\x80\x99Adamo", "D\u2019Adamo"),
        ("null", ""),
        (None, ""),
        (["nested"], ""),
    ],
)
def test_mark_up_and_escapes_become_plain_text(written: Any, read: str):
    assert crossref.parse(work(title=[written])).title == read


def test_a_subtitle_is_part_of_the_title_unless_it_repeats_it():
    assert record("10.1145/3027385.3027428").title.startswith(
        "Widget, widget as you lead, I am performing well indeed! using results from"
    )
    assert crossref.parse(work(subtitle=["a trial"])).title == "One: a trial"
    assert "MICROBIAL" not in record("10.1111/jfpp.12874").title


def test_authors_may_be_missing_groups_or_have_one_name():
    assert record("10.1111/ijal.12281").authors == ()
    assert Name("Sudesiqin", "", True) in record("10.2478/v10285-012-0032-1").authors
    assert record("10.21326/ksdt.2008..18.018").authors == (Name("조혜린", ""),)
    assert len(record("10.1103/physrevlett.126.162501").authors) == 71
    junior = crossref.parse(work(author=[{"family": "King", "given": "M. L.", "suffix": "Jr."}]))
    assert junior.authors == (Name("King", "M. L., Jr."),)


@pytest.mark.parametrize(
    ("issued", "read"),
    [
        ([[2018, 2, 30]], (2018, 2, None)),
        ([[2018, 13]], (2018, None, None)),
        ([[2018]], (2018, None, None)),
        ([["2018", "06"]], (2018, 6, None)),
        ([[None]], (None, None, None)),
        ([[3000]], (None, None, None)),
        ([], (None, None, None)),
        ("2018", (None, None, None)),
    ],
)
def test_a_date_counts_as_far_as_it_is_possible(issued: Any, read: tuple[Any, ...]):
    found = crossref.parse(work(issued={"date-parts": issued}))
    assert (found.year, found.month, found.day) == read


@pytest.mark.parametrize(
    ("doi", "kind"),
    [
        ("10.59350/7mtwq-q3661", "preprint"),
        ("10.1007/978-1-4842-6700-4_5", "book-chapter"),
        ("10.32614/cran.package.shinysearchbar", "dataset"),
        ("10.2172/10115553", "report"),
        ("10.1145/3027385.3027428", "conference-paper"),
        ("10.1002/humu.2018.39.issue-6", "other"),
    ],
)
def test_each_kind_is_recognised(doi: str, kind: str):
    assert record(doi).kind == kind
    assert record(doi).reviewed == ("preprint" if kind == "preprint" else "")


def test_pages_may_be_an_article_number():
    assert record("10.1038/s44172-023-00071-6").pages == "19"
    assert record("10.1111/ijal.12281").pages == "380"


def test_a_correction_is_a_signal_on_the_work_that_it_corrects():
    assert record("10.1371/journal.pbio.0050002").notices == (
        Signal("correction", "10.1371/journal.pbio.0060304", "publisher", date(2008, 11, 25)),
    )


def test_a_new_version_that_points_to_itself_is_no_notice():
    itself = WORKS["10.1371/journal.ppat.1006930"]
    assert crossref.parse(itself).notices == ()
    assert crossref.announced(itself) == []


def test_a_retraction_in_place_points_to_the_work_itself():
    own = {"DOI": "10.5555/ONE", "type": "retraction"}
    signal = Signal("retraction", "10.5555/one")
    assert crossref.parse(work(**{"updated-by": [own]})).notices == (signal,)
    assert crossref.announced(work(**{"update-to": [own]})) == [("10.5555/one", signal)]


def test_a_notice_is_not_itself_corrected_but_names_what_is():
    notice = WORKS["10.1371/journal.pone.0129989"]
    assert crossref.parse(notice).notices == ()
    said = Signal("correction", "10.1371/journal.pone.0129989", "publisher", date(2015, 6, 3))
    assert crossref.announced(notice) == [("10.1371/journal.pone.0120799", said)]


def test_both_sources_may_announce_the_same_retraction():
    said = [
        {"DOI": "10.5555/two", "type": "retraction", "source": source}
        for source in ("publisher", "retraction-watch")
    ]
    assert crossref.announced(work(**{"update-to": said})) == [
        ("10.5555/two", Signal("retraction", "10.5555/one", source))
        for source in ("publisher", "retraction-watch")
    ]


@pytest.mark.parametrize(
    ("kind", "signal"),
    [
        ("retraction", "retraction"),
        ("withdrawal", "retraction"),
        ("removal", "retraction"),
        ("expression_of_concern", "concern"),
        ("partial_retraction", "concern"),
        ("erratum", "correction"),
        ("Expression-of-Concern", "concern"),
    ],
)
def test_the_kinds_of_notice(kind: str, signal: str):
    update = {"DOI": "10.5555/notice", "type": kind, "source": "retraction-watch"}
    assert crossref.parse(work(**{"updated-by": [update]})).notices == (
        Signal(signal, "10.5555/notice", "retraction-watch"),
    )


@pytest.mark.parametrize("kind", ["new_version", "new_edition", "", None])
def test_what_is_no_notice_is_no_signal(kind: Any):
    update = {"DOI": "10.5555/notice", "type": kind}
    assert crossref.parse(work(**{"updated-by": [update]})).notices == ()


@pytest.mark.parametrize("answer", [None, [], {}, {"DOI": 5}, {"DOI": "nonsense"}])
def test_what_is_no_work_is_refused(answer: Any):
    with pytest.raises(ValueError, match=r"no work|not a DOI"):
        crossref.parse(answer)


def test_fields_of_the_wrong_shape_count_as_missing():
    odd = work(title="a text", author={"family": "X"}, issued=[2018], volume=[5], page=8)
    found = crossref.parse({**odd, "updated-by": {"DOI": "10.5555/x"}, "container-title": None})
    assert found == Record(doi="10.5555/one", kind="journal-article", pages="8")
