"""PubMed's records, as efetch sends them."""

import pytest

from research.names import Name
from research.records import Signal
from research.sources import pubmed
from tests.research.registers import pubmed_xml


def article(citation: str = "", inside: str = "", types: str = "", dates: str = "") -> str:
    return f"""<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID><Article>
        <Journal><JournalIssue><PubDate>{dates or "<Year>2019</Year>"}</PubDate></JournalIssue>
        <Title>Pain</Title></Journal><ArticleTitle>One.</ArticleTitle>{inside}
        <PublicationTypeList>{types}</PublicationTypeList></Article>{citation}
        </MedlineCitation></PubmedArticle></PubmedArticleSet>"""


def test_a_recorded_article_has_all_its_fields():
    (found,) = pubmed.parse(pubmed_xml("28775130"))
    assert (found.pmid, found.doi) == ("28775130", "10.1136/oemed-2017-104431")
    assert found.title == (
        "Occupational pesticide exposure and subclinical hypothyroidism among male "
        "pesticide applicators"
    )
    assert found.authors[1] == Name("Beane Freeman", "Laura E")
    assert (found.journal, found.volume, found.issue, found.pages) == (
        "Occupational and environmental medicine", "75", "2", "79-89",
    )  # fmt: skip
    assert (found.year, found.month, found.day) == (2018, 2, None)
    assert (found.kind, found.notices) == ("journal-article", ())


def test_a_group_stands_among_the_authors_and_references_lend_no_doi():
    (found,) = pubmed.parse(pubmed_xml("29963580"))
    assert found.authors[-1] == Name("Canadian Respiratory Research Network", "", True)
    assert found.doi == "10.1117/1.jmi.5.2.026002"


@pytest.mark.parametrize(
    ("dates", "read"),
    [
        ("<MedlineDate>1998 Dec-1999 Jan</MedlineDate>", (1998, 12, None)),
        ("<MedlineDate>2000 Spring</MedlineDate>", (2000, None, None)),
        ("<Year>2001</Year><Month>02</Month><Day>03</Day>", (2001, 2, 3)),
        ("<Year>2001</Year><Season>Summer</Season>", (2001, None, None)),
    ],
)
def test_dates_come_in_many_forms(dates: str, read: tuple[int | None, ...]):
    (found,) = pubmed.parse(article(dates=dates))
    assert (found.year, found.month, found.day) == read


@pytest.mark.parametrize(
    ("inside", "pages"),
    [
        ("<Pagination><MedlinePgn>1043-51</MedlinePgn></Pagination>", "1043-1051"),
        ("<Pagination><StartPage>5</StartPage><EndPage>9</EndPage></Pagination>", "5-9"),
        ('<ELocationID EIdType="pii">e0123456</ELocationID>', "e0123456"),
        ('<ELocationID EIdType="pii">S0304-3959(99)00242-0</ELocationID>', ""),
    ],
)
def test_pages_are_written_in_full(inside: str, pages: str):
    assert pubmed.parse(article(inside=inside))[0].pages == pages


@pytest.mark.parametrize(
    ("relation", "signal"),
    [
        ("RetractionIn", "retraction"),
        ("ErratumIn", "correction"),
        ("ExpressionOfConcernIn", "concern"),
        ("PartialRetractionIn", "concern"),
    ],
)
def test_a_notice_about_the_article_is_a_signal(relation: str, signal: str):
    source = "Pain. 2020 Mar;5(2):7. doi: 10.1097/J.PAIN.1. PMID: 8"
    link = f'<CommentsCorrections RefType="{relation}"><RefSource>{source}</RefSource>'
    xml = article(citation=f"<CommentsCorrectionsList>{link}</CommentsCorrections>"
                  "</CommentsCorrectionsList>")  # fmt: skip
    assert pubmed.parse(xml)[0].notices == (Signal(signal, "10.1097/j.pain.1"),)


@pytest.mark.parametrize("relation", ["RetractionOf", "ErratumFor", "Cites", "CommentIn"])
def test_the_notice_itself_and_a_comment_are_no_signal(relation: str):
    link = f'<CommentsCorrections RefType="{relation}"/>'
    xml = article(citation=f"<CommentsCorrectionsList>{link}</CommentsCorrectionsList>")
    assert pubmed.parse(xml)[0].notices == ()


def test_a_retracted_publication_without_its_notice_is_a_signal():
    xml = article(types="<PublicationType>Retracted Publication</PublicationType>")
    assert pubmed.parse(xml)[0].notices == (Signal("retraction"),)


def test_a_preprint_and_a_cut_list_of_authors_say_so():
    names = '<AuthorList CompleteYN="N"><Author><LastName>Ba</LastName></Author></AuthorList>'
    xml = article(inside=names, types="<PublicationType>Preprint</PublicationType>")
    (found,) = pubmed.parse(xml)
    assert (found.kind, found.reviewed) == ("preprint", "preprint")
    assert (found.authors, found.authors_cut) == ((Name("Ba", ""),), True)


def test_a_chapter_of_a_book_is_read():
    (found,) = pubmed.parse(
        """<PubmedArticleSet><PubmedBookArticle><BookDocument><PMID>9</PMID>
        <Book><Publisher><PublisherName>StatPearls</PublisherName></Publisher>
        <BookTitle>StatPearls</BookTitle><PubDate><Year>2024</Year></PubDate></Book>
        <ArticleTitle>Fibromyalgia</ArticleTitle></BookDocument></PubmedBookArticle>
        </PubmedArticleSet>"""
    )
    assert (found.title, found.journal, found.kind) == (
        "Fibromyalgia",
        "StatPearls",
        "book-chapter",
    )


def test_no_article_is_an_empty_answer():
    assert pubmed.parse("<PubmedArticleSet></PubmedArticleSet>") == []


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Too many requests",
        "<html><body>maintenance</body></html>",
        "<PubmedArticleSet>",
        '<!DOCTYPE x [<!ENTITY a "b">]><PubmedArticleSet>&a;</PubmedArticleSet>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><PubmedArticleSet>&a;'
        "</PubmedArticleSet>",
    ],
)
def test_what_is_no_answer_of_pubmed_is_refused(answer: str):
    with pytest.raises(ValueError, match="PubMed's answer"):
        pubmed.parse(answer)
