"""Names of conditions are spelt right, and in one way."""

import pytest

from articles.preflight.names import ALSO_RIGHT, RIGHT, distance, meant, spelling, variants
from tests.articles.preflight.writing import problems, problems_in, text


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("fibronyalgie", "fibromyalgia"),
        ("fibromylagia", "fibromyalgia"),
        ("Fibromyalga", "fibromyalgia"),
        ("researc", "research"),
        ("reserach", "research"),
        ("encephalomyelitus", "encephalomyelitis"),
        ("syndrom", "syndrome"),
        ("naltrexon", "naltrexone"),
        ("mitochondira", "mitochondria"),
    ],
)
def test_near_misses_are_found(word: str, right: str):
    assert problems_in(spelling, f"Most of {word} is pain.") == [
        f"A word is misspelt: “{word} ({right})”."
    ]


@pytest.mark.parametrize(
    "words",
    [
        "myalgia and fibromyalgic pain; Fibromyalgie in Germany",
        "cortisone, not cortisol; melatonin, not serotonin",
        "fluoxetine and duloxetine; nephropathy and neuropathy",
        "the patience of outpatients and patents",
        "researching, researched, the searchers, their researches",
        "hyperthyroidism and hypothyroidism, epinephrine and norepinephrine",
        "antibody, autoimmunity, autonomous, symptomatic, syndromes, dysautonomias",
        "research",
    ],
)
def test_right_words_that_look_alike_pass(words: str):
    assert problems_in(spelling, words) == []


def test_no_word_of_the_lists_is_a_near_miss_of_another():
    assert [word for word in RIGHT | ALSO_RIGHT if meant(word)] == []


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [
        ("pain", "pain", 0),
        ("pain", "pian", 1),
        ("pain", "gain", 1),
        ("pain", "pins", 2),
        ("", "a", 1),
    ],
)
def test_slips_are_counted(one: str, other: str, slips: int):
    assert distance(one, other) == slips


def test_one_condition_has_one_name():
    blocks = [text("ME/CFS is one."), text("ME/CFS, too."), text("MECFS and CFS/ME vary.")]
    [problem] = problems(variants, *blocks)
    assert problem == "One condition has several names here: “ME/CFS”, “MECFS”, “CFS/ME”."


def test_one_name_and_the_words_it_stands_for_pass():
    words = "Chronic fatigue syndrome (ME/CFS): ME/CFS, CFS and ME, or ME / CFS."
    assert problems_in(variants, words) == []
