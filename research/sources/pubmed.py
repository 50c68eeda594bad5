"""Citations as PubMed's E-utilities give them (efetch, retmode=xml).

What the elements mean: https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html
"""

import re
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from research.identifiers import normalise_doi
from research.names import Name
from research.records import Record, Signal
from research.sources.text import month_number, one_line, page_range, year_month_day

# What stands on the article that the notice is about; "…Of" and "…For" stand on the notice.
_NOTICES = {
    "ErratumIn": "correction",
    "CorrectedandRepublishedIn": "correction",
    "ExpressionOfConcernIn": "concern",
    "PartialRetractionIn": "concern",
    "RetractionIn": "retraction",
}
_DOI_IN_TEXT = re.compile(r"\bdoi:\s*(10\.\S+)", re.IGNORECASE)
_ARTICLE_NUMBER = re.compile(r"e?\d{3,8}", re.IGNORECASE)


def parse(text: str) -> list[Record]:
    """The records in an answer of efetch, in its order; none for a PMID that PubMed does not know.

    Raises ValueError if it is not XML as PubMed sends it.
    """
    # Expat loads nothing from outside; without declarations there is nothing to expand either.
    if "<!ENTITY" in text:
        raise ValueError("PubMed's answer declares entities, which it never does")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 -- see above
    except ElementTree.ParseError as error:
        raise ValueError(f"PubMed's answer is not XML: {error}") from error
    if root.tag != "PubmedArticleSet":
        raise ValueError(f"PubMed's answer holds no articles, but <{root.tag}>")
    articles = [_article(one) for one in root.iter("PubmedArticle")]
    return [*articles, *(_book(one) for one in root.iter("PubmedBookArticle"))]


def _article(article: Element) -> Record:
    year, month, day = _date(article.find(".//JournalIssue/PubDate"))
    kinds = {_text(kind) for kind in article.iter("PublicationType")}
    kind = "preprint" if "Preprint" in kinds else "journal-article"
    names = article.find("MedlineCitation/Article/AuthorList")
    return Record(
        doi=_doi(article),
        pmid=_find(article, "MedlineCitation/PMID"),
        title=_title(_find(article, ".//ArticleTitle") or _find(article, ".//VernacularTitle")),
        authors=tuple(_names(names)),
        authors_cut=names is not None and names.get("CompleteYN") == "N",
        journal=_find(article, ".//Journal/Title"),
        year=year,
        month=month,
        day=day,
        volume=_find(article, ".//JournalIssue/Volume"),
        issue=_find(article, ".//JournalIssue/Issue"),
        pages=_pages(article),
        kind=kind,
        reviewed="preprint" if kind == "preprint" else "",
        notices=tuple(_signals(article, kinds)),
    )


def _book(entry: Element) -> Record:
    year, month, day = _date(entry.find(".//Book/PubDate"))
    chapter, book = _find(entry, "BookDocument/ArticleTitle"), _find(entry, ".//BookTitle")
    return Record(
        doi=_doi(entry),
        pmid=_find(entry, "BookDocument/PMID"),
        title=_title(chapter or book),
        authors=tuple(_names(entry.find("BookDocument/AuthorList"))),
        journal=book if chapter else "",
        publisher=_find(entry, ".//PublisherName"),
        place=_find(entry, ".//PublisherLocation"),
        year=year,
        month=month,
        day=day,
        kind="book-chapter" if chapter else "book",
    )


def _doi(article: Element) -> str:
    # The article's own list alone: each reference has one too.
    places = (
        "MedlineCitation/Article/ELocationID[@EIdType='doi']",
        "PubmedData/ArticleIdList/ArticleId[@IdType='doi']",
        "BookDocument/ArticleIdList/ArticleId[@IdType='doi']",
    )
    for element in (found for place in places for found in article.findall(place)):
        try:
            return normalise_doi(_text(element)) if element.get("ValidYN") != "N" else ""
        except ValueError:
            continue
    return ""


def _title(text: str) -> str:
    """Without the full stop that PubMed adds, and the brackets that say "translated"."""
    title = text.removesuffix(".") if not text.endswith("..") else text
    if title.startswith("[") and title.endswith("]"):
        title = title[1:-1].removesuffix(".")
    return title


def _names(authors: Element | None) -> Iterator[Name]:
    for author in authors.findall("Author") if authors is not None else []:
        family, group = _find(author, "LastName"), _find(author, "CollectiveName")
        given = _find(author, "ForeName") or _find(author, "Initials")
        generation = _find(author, "Suffix")
        if author.get("ValidYN") == "N":
            continue
        if group:
            yield Name(group.removesuffix("."), "", True)
        elif family:
            yield Name(family, ", ".join(part for part in (given, generation) if part))


def _date(element: Element | None) -> tuple[int | None, int | None, int | None]:
    if element is None:
        return None, None, None
    if loose := _find(element, "MedlineDate"):
        # Such as "1998 Dec-1999 Jan" or "2000 Spring".
        year = re.search(r"\d{4}", loose)
        month = re.search(r"\d{4}\s+([A-Za-z]{3})", loose)
        return year_month_day(year and year[0], month and month_number(month[1]))
    month_name = _find(element, "Month")
    return year_month_day(_find(element, "Year"), month_number(month_name), _find(element, "Day"))


def _pages(article: Element) -> str:
    pages = _whole(_find(article, ".//MedlinePgn"))
    if not pages:
        pages = page_range(_find(article, ".//StartPage"), _find(article, ".//EndPage"))
    number = _find(article, ".//ELocationID[@EIdType='pii']")
    return pages or (number if _ARTICLE_NUMBER.fullmatch(number) else "")


def _whole(pages: str) -> str:
    """Pages with the last in full: PubMed writes 1043-51 for 1043-1051."""
    first, _, last = pages.partition("-")
    if first.isdigit() and last.isdigit() and len(last) < len(first):
        last = first[: len(first) - len(last)] + last
    return page_range(first, last)


def _signals(article: Element, kinds: set[str]) -> Iterator[Signal]:
    found = []
    for link in article.findall("MedlineCitation/CommentsCorrectionsList/CommentsCorrections"):
        if kind := _NOTICES.get(link.get("RefType", "")):
            found.append(Signal(kind, _doi_in(_find(link, "RefSource"))))
    yield from found
    if "Retracted Publication" in kinds and not any(one.kind == "retraction" for one in found):
        yield Signal("retraction")


def _doi_in(source: str) -> str:
    match = _DOI_IN_TEXT.search(source)
    try:
        return normalise_doi(match[1]) if match else ""
    except ValueError:
        return ""


def _find(element: Element, path: str) -> str:
    return _text(element.find(path))


def _text(element: Element | None) -> str:
    return one_line("".join(element.itertext())) if element is not None else ""
