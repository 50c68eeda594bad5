"""A DOI in any form that people paste is one DOI."""

import pytest

from research.identifiers import normalise_doi

ONE = "10.1155/2019/2623161"


@pytest.mark.parametrize(
    "typed",
    [
        ONE,
        f" {ONE} ",
        f"https://doi.org/{ONE}",
        f"http://doi.org/{ONE}",
        f"https://dx.doi.org/{ONE}",
        f"http://dx.doi.org/{ONE}",
        f"https://www.doi.org/{ONE}",
        f"HTTPS://DOI.ORG/{ONE}",
        f"doi.org/{ONE}",
        f"dx.doi.org/{ONE}",
        f"doi:{ONE}",
        f"DOI: {ONE}",
        f"doi {ONE}",
        f"doi:https://doi.org/{ONE}",
        f"{ONE}.",
        f"https://doi.org/{ONE},",
        f"{ONE};",
    ],
)
def test_every_way_to_write_a_doi_is_one_doi(typed: str):
    assert normalise_doi(typed) == ONE


@pytest.mark.parametrize(
    ("typed", "doi"),
    [
        ("10.1016/S0140-6736(20)30183-5", "10.1016/s0140-6736(20)30183-5"),
        ("10.1002/ABC.D", "10.1002/abc.d"),
        (
            "10.1002/(SICI)1096-8644(199603)99:3<345::AID-AJPA1>3.0.CO;2-X",
            "10.1002/(sici)1096-8644(199603)99:3<345::aid-ajpa1>3.0.co;2-x",
        ),
        ("10.1000/a/b/c", "10.1000/a/b/c"),
        ("10.1000/doi:1", "10.1000/doi:1"),
    ],
)
def test_what_belongs_to_a_doi_stays(typed: str, doi: str):
    assert normalise_doi(typed) == doi


@pytest.mark.parametrize("typed", [ONE, "HTTPS://doi.org/10.1000/X.", "doi: 10.1000/Y"])
def test_normalising_twice_changes_nothing(typed: str):
    once = normalise_doi(typed)
    assert normalise_doi(once) == once


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "hello",
        "10.1155",
        "10.1155/",
        "10./x",
        "10.12/x",
        "11.1155/x",
        "10.1155/has space",
        "https://example.org/10.1155/2019/2623161",
        "https://pubmed.ncbi.nlm.nih.gov/31275544/",
        "PMID: 31275544",
        "doi:",
        "https://doi.org/",
        "10.1155/x\n10.1155/y",
    ],
)
def test_what_is_no_doi_is_refused_with_an_example(typed: str):
    with pytest.raises(ValueError, match=r"is not a DOI: one looks like 10\."):
        normalise_doi(typed)
