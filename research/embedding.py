"""What a study's page tells reference managers and search engines about the study."""

import json
from typing import Any

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from research.models import Publication, Study
from research.names import Name

# Zotero knows the kind by which of these holds the journal, book, conference or school.
_HOLDERS = {
    Publication.ARTICLE: "citation_journal_title",
    Publication.PREPRINT: "citation_journal_title",
    Publication.CONFERENCE_PAPER: "citation_conference_title",
    Publication.CHAPTER: "citation_book_title",
}
_PUBLISHERS = {
    Publication.REPORT: "citation_technical_report_institution",
    Publication.THESIS: "citation_dissertation_institution",
}
_SCHEMA_TYPES = {
    Publication.BOOK: "Book",
    Publication.CHAPTER: "Chapter",
    Publication.REPORT: "Report",
    Publication.THESIS: "Thesis",
    Publication.DATASET: "Dataset",
    Publication.WEB_PAGE: "WebPage",
    Publication.OTHER: "CreativeWork",
}
# Within a script element, these could end it.
_UNSAFE = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def highwire_tags(study: Study) -> list[tuple[str, str]]:
    """Name and content of each meta tag, in the form that Highwire gave and Zotero reads."""
    kind = Publication(study.kind)
    tags = [
        ("citation_title", study.title),
        *(("citation_author", _highwire_author(name)) for name in study.names),
        (_HOLDERS.get(kind, "citation_series_title"), study.journal),
        (_PUBLISHERS.get(kind, "citation_publisher"), study.publisher),
        ("citation_date", _date(study, "/")),
        ("citation_volume", study.volume),
        ("citation_issue", study.issue),
        ("citation_firstpage", study.first_page),
        ("citation_lastpage", study.last_page),
        ("citation_doi", study.doi or ""),
        ("citation_pmid", study.pmid or ""),
        ("citation_public_url", study.best_link),
    ]
    return [(name, content) for name, content in tags if content]


def _highwire_author(name: Name) -> str:
    # Zotero takes a comma with a space within both its sides for one between two authors.
    family, comma, given = name.inverted.partition(", ")
    return family + comma + given.replace(" ", "\u00a0")


def schema_org_html(study: Study) -> SafeString:
    """The study as schema.org's JSON-LD, in a block of data."""
    return json_ld_html(_schema_org(study))


def json_ld_html(said: dict[str, Any]) -> SafeString:
    """JSON-LD in a script element that no browser runs and nothing within can end."""
    data = json.dumps(said, ensure_ascii=False).translate(_UNSAFE)
    return format_html('<script type="application/ld+json">{}</script>', mark_safe(data))


def _schema_org(study: Study) -> dict[str, Any]:
    said = {
        "@context": "https://schema.org",
        "@type": _SCHEMA_TYPES.get(Publication(study.kind), "ScholarlyArticle"),
        "name": study.title,
        "author": [_schema_author(name) for name in study.names],
        "datePublished": _date(study, "-"),
        "isPartOf": _holder(study),
        "pagination": study.pages,
        "publisher": _named("Organization", study.publisher),
        "identifier": _identifiers(study),
        "url": study.best_link,
        "mainEntityOfPage": f"{settings.SITE_URL}{study.get_absolute_url()}",
        "isAccessibleForFree": True if study.access == Study.Access.FREE else None,
        "creativeWorkStatus": study.get_status_display() if study.is_noticed else "",
    }
    return {key: value for key, value in said.items() if value}


def _schema_author(name: Name) -> dict[str, str]:
    if name.group:
        return _named("Organization", name.family)
    said = {
        "@type": "Person",
        "name": " ".join(filter(None, [name.forename, name.family, name.generation])),
        "familyName": name.family,
        "givenName": name.forename,
    }
    return {key: value for key, value in said.items() if value}


def _holder(study: Study) -> dict[str, Any]:
    if not study.journal:
        return {}
    is_chapter = study.kind == Publication.CHAPTER
    held: dict[str, Any] = _named("Book" if is_chapter else "Periodical", study.journal)
    if study.volume:
        held = {"@type": "PublicationVolume", "volumeNumber": study.volume, "isPartOf": held}
    if study.issue:
        held = {"@type": "PublicationIssue", "issueNumber": study.issue, "isPartOf": held}
    return held


def _identifiers(study: Study) -> list[dict[str, str]]:
    known = [("doi", study.doi), ("pmid", study.pmid)]
    return [
        {"@type": "PropertyValue", "propertyID": name, "value": value}
        for name, value in known
        if value
    ]


def _named(kind: str, name: str) -> dict[str, str]:
    return {"@type": kind, "name": name} if name else {}


def _date(study: Study, between: str) -> str:
    parts = [f"{part:02}" for part in (study.year, study.month, study.day) if part]
    return between.join(parts)
