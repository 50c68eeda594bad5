"""A DOI or PMID in any form that people paste is one identifier."""

import pytest

from research.identifiers import identify, normalise_doi, normalise_pmid

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
        f"({ONE})",
        f"(doi:{ONE}).",
        f"<https://doi.org/{ONE}>",
        f"\u201c{ONE}.\u201d",
        f"[{ONE}]",
        f"{ONE}\u200b",
        "https://doi.org/10.1155%2F2019%2F2623161",
        "10.1155%2F2019%2F2623161",
        f"https://doi.org/{ONE}?utm_source=letter&x=1",
        f"https://doi.org/{ONE}#results",
        f"{ONE}?ref=pdf",
        f"https://doi-org.proxy.example.edu/{ONE}",
        f"https://dx-doi-org.proxy.example.edu/{ONE}",
        f"https://doi.org.proxy.example.edu/{ONE}",
        f"https://proxy.example.edu/login?url=https://doi.org/{ONE}",
        "https://proxy.example.edu/login?url=https%3A%2F%2Fdoi.org%2F10.1155%2F2019%2F2623161",
        f"https://publisher.example/doi/{ONE}",
        f"https://publisher.example/doi/full/{ONE}?icid=x",
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
        ("10.1016/S0304-3959(99)00242-0", "10.1016/s0304-3959(99)00242-0"),
        (
            "10.1002/(SICI)1097-0274(199601)29:1<1::AID-AJIM1>3.0.CO;2-#",
            "10.1002/(sici)1097-0274(199601)29:1<1::aid-ajim1>3.0.co;2-#",
        ),
        (
            "https://doi.org/10.1002/(SICI)1097-0274(199601)29:1%3C1::AID-AJIM1%3E3.0.CO;2-%23",
            "10.1002/(sici)1097-0274(199601)29:1<1::aid-ajim1>3.0.co;2-#",
        ),
        (
            "https://doi.org/10.1002/(SICI)1097-0274(199601)29:1<1::AID-AJIM1>3.0.CO;2-#",
            "10.1002/(sici)1097-0274(199601)29:1<1::aid-ajim1>3.0.co;2-#",
        ),
        ("10.1000.10/123", "10.1000.10/123"),
        ("10.1000/50%25", "10.1000/50%25"),
        ("10.1000/what?", "10.1000/what?"),
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
        "10.1155/x\x00y",
        "10.\u0661\u0661\u0665\u0665/x",
        "https://doi.org/10.1155%2F2019%2Fhas%20space",
    ],
)
def test_what_is_no_doi_is_refused_with_an_example(typed: str):
    with pytest.raises(ValueError, match=r"is not a DOI: one looks like 10\."):
        normalise_doi(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "31275544",
        " 31275544 ",
        "PMID: 31275544",
        "pmid31275544.",
        "PubMed ID: 31275544",
        "https://pubmed.ncbi.nlm.nih.gov/31275544/",
        "https://pubmed.ncbi.nlm.nih.gov/31275544/?from=x#y",
        "pubmed.ncbi.nlm.nih.gov/31275544",
        "http://www.ncbi.nlm.nih.gov/pubmed/31275544",
        "ncbi.nlm.nih.gov/pubmed/31275544",
        "(31275544)",
        "00031275544",
    ],
)
def test_every_way_to_write_a_pmid_is_one_pmid(typed: str):
    assert normalise_pmid(typed) == "31275544"


@pytest.mark.parametrize(
    "typed",
    ["", "0", "123456789", "PMC6589127", "12 13", "\u0663\u0663", "-5", "1.5", "PMID:", ONE],
)
def test_what_is_no_pmid_is_refused_with_an_example(typed: str):
    with pytest.raises(ValueError, match="is not a PMID: one is a number such as"):
        normalise_pmid(typed)


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        (f"https://doi.org/{ONE}", ("doi", ONE)),
        (f"DOI: {ONE}", ("doi", ONE)),
        ("10.1000/12345678", ("doi", "10.1000/12345678")),
        ("31275544", ("pmid", "31275544")),
        ("https://pubmed.ncbi.nlm.nih.gov/31275544/", ("pmid", "31275544")),
    ],
)
def test_a_pasted_text_is_told_apart(pasted: str, found: tuple[str, str]):
    assert identify(pasted) == found


def test_a_pasted_page_is_not_repeated_in_full():
    with pytest.raises(ValueError, match=r"^'word word .{40,60}…' is neither") as refused:
        identify("word " * 500)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("pasted", ["", "motor cortex", "PMC6589127", "https://example.org/"])
def test_a_text_that_names_nothing_is_refused_with_both_examples(pasted: str):
    with pytest.raises(ValueError, match=r"neither a DOI nor a PMID: paste one such as .* or "):
        identify(pasted)
