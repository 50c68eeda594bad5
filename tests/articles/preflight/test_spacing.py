"""What pasting leaves behind."""

import pytest

from articles.preflight.spacing import spacing
from tests.articles.preflight.writing import mark, problems_in

DOUBLED = "It has doubled spaces, as pasted text does."


@pytest.mark.parametrize("text", ["It was small.  It was slow.", "so &nbsp;it was", "a   b"])
def test_doubled_spaces_are_found(text: str):
    assert problems_in(spacing, text) == [DOUBLED]


@pytest.mark.parametrize(
    "text",
    [
        "It was small. It was slow.",
        "  It was small. ",
        "It was small,<br>  and slow.",
        "<ul>  <li>  <p>One</p>  </li>  </ul>",
        f"It was small. {mark('a')} It was slow.",
    ],
)
def test_single_spaces_and_the_ends_of_lines_pass(text: str):
    assert problems_in(spacing, text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It took two months.Benefits came late.", "months.Benefits"),
        ("Did it help?Perhaps.", "help?Perhaps"),
        ("It helped (a little).Then it stopped.", "little).Then"),
        (f"It took two months.{mark('a')}Benefits came late.", "months.Benefits"),
    ],
)
def test_sentences_that_run_together_are_found(text: str, words: str):
    [problem] = problems_in(spacing, text)
    assert f"“{words}”" in problem


@pytest.mark.parametrize(
    "text",
    [
        "Dane Cook, Ph.D., and Ada, M.D., took 4.5 mg.",
        "Write to Ada.Lane@news.Example.org or see www.Example.Org/about.Html today.",
        "The U.S.Army paid, e.g.The first time.",
        "It is at https://example.org/two.Three now.",
    ],
)
def test_dots_within_names_pass(text: str):
    assert problems_in(spacing, text) == []
