"""A list of authors is lines of text: persons with a comma, groups without."""

import pytest

from research.names import Name, initials, is_cut, parse_names, write_names

PEOPLE_AND_GROUPS = """de Tommaso, Marina
Gentile, E
RECOVER Consortium
{Institute of Medicine, National Academies}
Plato,
Auger, Ray G., Jr
et al."""


def test_a_line_is_a_person_or_a_group():
    assert parse_names(PEOPLE_AND_GROUPS) == [
        Name("de Tommaso", "Marina"),
        Name("Gentile", "E"),
        Name("RECOVER Consortium", group=True),
        Name("Institute of Medicine, National Academies", group=True),
        Name("Plato"),
        Name("Auger", "Ray G., Jr"),
    ]
    assert is_cut(PEOPLE_AND_GROUPS)


def test_what_is_read_is_written_as_it_stood():
    names = parse_names(PEOPLE_AND_GROUPS)
    assert write_names(names, cut=True) == PEOPLE_AND_GROUPS


@pytest.mark.parametrize("text", ["", "  \n\n ", "\r\n", ",", "{}", " , "])
def test_no_line_is_no_author(text: str):
    assert parse_names(text) == []
    assert not is_cut(text)


@pytest.mark.parametrize("line", ["et al.", "et al", "Et al.", "and others"])
def test_a_cut_list_says_so_in_several_ways(line: str):
    assert parse_names(f"Gentile, E\n{line}") == [Name("Gentile", "E")]
    assert is_cut(f"Gentile, E\n{line}")


@pytest.mark.parametrize(
    "name",
    [
        Name("A, B and C", group=True),
        Name("et al.", group=True),
        Name("{braced}", group=True),
        Name("李", "明"),
        Name("Suharyanto"),
        Name("van der Berg", "Jan-Pieter"),
    ],
)
def test_each_name_survives_being_written(name: Name):
    assert parse_names(write_names([name])) == [name]


@pytest.mark.parametrize(
    ("odd", "tidy"),
    [
        (Name("Line\nbreak", "in  the\tname"), "Line break, in the name"),
        (Name("King, Jr.", "Martin"), "King, Martin, Jr."),
        (Name("", "Suharyanto"), "Suharyanto,"),
        (Name("", ""), ""),
        (Name(" ", "", group=True), ""),
    ],
)
def test_what_sources_get_wrong_is_put_right(odd: Name, tidy: str):
    assert write_names([odd]) == tidy


@pytest.mark.parametrize(
    ("given", "letters"),
    [
        ("Eleonora", "E"),
        ("Daniel J.", "DJ"),
        ("Jean-Pierre", "JP"),
        ("J-P", "JP"),
        ("J.-P.", "JP"),
        ("S.M.", "SM"),
        ("MR", "MR"),
        ("M R", "MR"),
        ("DANIEL", "D"),
        ("øystein", "Ø"),
        ("明华", "明华"),
        ("", ""),
    ],
)
def test_initials_are_made_from_given_names(given: str, letters: str):
    assert initials(given) == letters


@pytest.mark.parametrize(
    ("line", "cited", "inverted"),
    [
        ("Gentile, Eleonora", "Gentile E", "Gentile, Eleonora"),
        ("Auger, Ray G., Jr.", "Auger RG Jr", "Auger, Ray G., Jr."),
        ("Plato,", "Plato", "Plato"),
        ("RECOVER Consortium", "RECOVER Consortium", "RECOVER Consortium"),
        ("{A, B}", "A, B", "A \u2013 B"),
    ],
)
def test_a_name_stands_in_citations_and_in_files(line: str, cited: str, inverted: str):
    (name,) = parse_names(line)
    assert (name.cited, name.inverted) == (cited, inverted)
