"""Five pages that readers know, entered through the models: what preflight says of them.

The pages belong to others and are no part of this project. To run this, name the folder that
holds them in SEEDS_DIR. Each number below was read from a page by eye.
"""

import os
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from articles.bodies import Document, blocks_of
from articles.models import ArticleText
from articles.preflight import check
from articles.preflight.claims import UNCITED
from articles.preflight.findings import Cause, Finding
from articles.preflight.freshness import NO_REFERENCES
from articles.preflight.names import MISSPELT
from articles.preflight.pictures import PICTURE_OF_QUOTE, SAME_WORDS, TOO_LITTLE
from articles.preflight.references import AT_AL, NO_STUDY, ORPHAN_REFERENCE, TWO_JOURNALS
from articles.preflight.spacing import DOUBLED, RUN_TOGETHER
from articles.preflight.words import EMPTY_LINK, PLACEHOLDER, POSITION
from articles.rendering import render_body
from tests.seeds.loading import LAYOUTS, enter, lines_of

FOLDER = os.environ.get("SEEDS_DIR", "")

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not FOLDER, reason="The pages are not ours to ship: name their folder in SEEDS_DIR."
    ),
]

# All that preflight says, by page: the cause and the blocks (or the reference) it names.
SAID: dict[str, list[tuple[Cause, list[int]]]] = {
    "finger tapping": [
        (UNCITED, [1, 10, 17, 18, 19]),
        (TOO_LITTLE, [2]),
        (TOO_LITTLE, [8]),
        (SAME_WORDS, [8]),
        (EMPTY_LINK, [15]),
        (POSITION, [15]),
        (DOUBLED, [1, 3, 6, 7, 9, 10, 13, 17, 19]),
    ],
    "motor cortex": [
        (NO_STUDY, []),
        (UNCITED, [1, 2, 3, 5, 8]),
        (TOO_LITTLE, [10]),
        (DOUBLED, [3]),
    ],
    "exercise": [
        (ORPHAN_REFERENCE, []),
        (NO_STUDY, []),
        (TWO_JOURNALS, []),
        (AT_AL, [3, 4, 6, 7, 8]),
        (UNCITED, [12]),
        (DOUBLED, [12]),
        (RUN_TOGETHER, [12]),
    ],
    "naltrexone": [(PICTURE_OF_QUOTE, [6]), (PICTURE_OF_QUOTE, [14])],
    "autoimmune": [(NO_STUDY, []), (UNCITED, [6]), (DOUBLED, [2])],
    "explanation": [(UNCITED, [1]), (PLACEHOLDER, [2]), (DOUBLED, [2])],
    "causes": [(NO_REFERENCES, []), (MISSPELT, [3]), (MISSPELT, [4]), (DOUBLED, [1, 2, 3, 4])],
}
# The marks of the three articles of page 002 in the order of the text, and the references below.
MARKED = {"exercise": "1234567", "naltrexone": "1234", "autoimmune": "*"}
LISTED = {"exercise": "12345678", "naltrexone": "1234", "autoimmune": "*"}
# What the page prints behind a reference, and what ours says of it.
LABELS = {
    "Free Report": "Free to read",
    "Report (free to read)": "Free to read",
    "Abstract": "Abstract only",
    "Report": "",
    "": "",
}


def entered(name: str) -> Document:
    return enter(Path(FOLDER), LAYOUTS[name])


def said(findings: list[Finding], cause: Cause) -> Finding:
    [finding] = [finding for finding in findings if finding.cure == cause.cure]
    return finding


def blocks_named(finding: Finding) -> list[int]:
    numbers = re.sub(r"“.*?”", "", finding.block)
    return [int(number) for number in re.findall(r"\d+", numbers)]


@pytest.mark.parametrize("name", LAYOUTS)
def test_preflight_says_this_and_nothing_else(name: str):
    found = [(finding.cure, blocks_named(finding)) for finding in check(entered(name))]
    assert found == [(cause.cure, blocks) for cause, blocks in SAID[name]]


def test_the_reference_without_its_mark_is_the_eighth():
    finding = said(check(entered("exercise")), ORPHAN_REFERENCE)
    assert finding.anchor == "references-7"
    assert finding.block.startswith("Reference “Tiinus")


def test_the_missing_space_where_its_mark_should_be_is_found():
    assert "“months.Benefits”" in said(check(entered("exercise")), RUN_TOGETHER).problem


def test_the_journal_in_two_ways_and_at_al_are_found():
    findings = check(entered("exercise"))
    assert "Res Ther”" in said(findings, TWO_JOURNALS).problem
    assert "Ther Res”" in said(findings, TWO_JOURNALS).problem
    assert "“at al.”" in said(findings, AT_AL).problem


def test_the_gap_in_the_comment_form_is_found():
    assert "“%s”" in said(check(entered("explanation")), PLACEHOLDER).problem


def test_the_empty_link_and_the_place_on_the_screen_are_found():
    findings = check(entered("finger tapping"))
    assert "“click here”" in said(findings, EMPTY_LINK).problem
    assert "right hand side" in said(findings, POSITION).problem


def test_the_misspelt_names_are_found():
    problems = " ".join(finding.problem for finding in check(entered("causes")))
    assert "fibronyalgie (fibromyalgia)" in problems
    assert "researc (research)" in problems


def test_the_bare_word_under_two_pictures_is_found():
    findings = check(entered("finger tapping"))
    assert "“motor cortex”" in said(findings, SAME_WORDS).problem


def test_the_four_earlier_studies_without_a_mark_are_found():
    document = entered("finger tapping")
    html = "".join(
        f"<p>{line}</p>" for line in lines_of(Path(FOLDER), "000")[49:52] if line.strip()
    )
    document.articles_articletext_set.all().delete()
    ArticleText.objects.create(parent=document, region="body", html=html)
    problem = said(check(document), UNCITED).problem
    assert "“1999 study”, “2001 study”" in problem
    assert "study (2003)”" in problem


# The page read once more, without a word of the loader: by position, not by pattern.


def printed_lines(name: str) -> list[str]:
    lines = lines_of(Path(FOLDER), "002")
    starts = [number for number, line in enumerate(lines) if line == "Continue reading"]
    articles = [lines[: starts[0]], lines[starts[0] : starts[1]], lines[starts[1] : starts[2]]]
    return articles[["exercise", "naltrexone", "autoimmune"].index(name)]


def printed_references(name: str) -> Iterator[tuple[str, str, str]]:
    """Number or sign, words and label of each line that a list of references prints."""
    for line in printed_lines(name):
        number, _, rest = line.strip().partition(" ")
        if number == "*" or (number[:-1].isdigit() and number.endswith(".") and line[0] == " "):
            words, _, label = rest.strip().rpartition(".")
            yield number.removesuffix("."), f"{words}.", label.strip()


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


@pytest.mark.parametrize("name", MARKED)
def test_all_references_come_out_numbered_as_in_the_page(name: str):
    body = render_body(entered(name))
    printed = list(printed_references(name))
    assert [number for number, _, _ in printed] == list(LISTED[name])
    shown = body.numbered + body.notes
    assert [entry.label for entry in shown] == list(LISTED[name])
    for entry, (_, words, label) in zip(shown, printed, strict=True):
        access = re.findall(r'class="access">(.*?)<', entry.html())
        assert access == ([LABELS[label]] if LABELS[label] else [])
        assert plain(entry.html()).startswith(" ".join(words.split()))


@pytest.mark.parametrize("name", MARKED)
def test_all_marks_come_out_where_the_page_prints_them(name: str):
    html = "".join(piece.html for piece in render_body(entered(name)).pieces)
    marks = re.findall(r'<sup class="marks">(.*?)</sup>', html)
    assert [plain(mark) for mark in marks] == list(MARKED[name])
    shown = plain(re.sub(r"</(?:p|h2)>", " ", html))
    layout = LAYOUTS[name]
    for line in lines_of(Path(FOLDER), "002")[layout.first : layout.last + 1]:
        # Before its first number the page has a space; ours has none before any.
        if line.strip() and any(
            f"{stop}{number}" in line for stop in ".”" for number in "1234567*"
        ):
            assert " ".join(line.split()).replace("” 1", "”1") in shown


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_line_of_the_page_was_lost_or_doubled(name: str):
    document, layout = entered(name), LAYOUTS[name]
    texts = [block for block in blocks_of(document) if hasattr(block, "html")]
    paragraphs = sum(block.html.count("</p>") + block.html.count("</h2>") for block in texts)
    apart = {*layout.pictures, *layout.pictures.values(), *layout.quotes, layout.study}
    lines = lines_of(Path(FOLDER), layout.file)
    kept = [
        number
        for number in range(layout.first, layout.last + 1)
        if lines[number].strip() and number not in apart | layout.left_out
    ]
    assert paragraphs == len(kept)
