"""Citations in house style, as HTML.

Made in plain Python: an article shows up to eighty of them, and a template for each costs more
than the page around it.
"""

from urllib.parse import urlsplit

from django.utils.html import format_html
from django.utils.safestring import SafeString

from research.models import Study


def reference_html(study: Study) -> SafeString:
    """One citation: status if any, authors, title as a link to the study's page, where, access."""
    return format_html(
        '{}{}<a class="title" href="{}">{}</a>{} {}',
        status_html(study),
        _before(study.authors_line),
        study.get_absolute_url(),
        study.title,
        "" if study.title.endswith((".", "?", "!")) else ".",
        source_html(study),
    )


def _before(text: str) -> str:
    return f"{text} " if text else ""


def source_html(study: Study) -> SafeString:
    """Where it was published, where to read it, and what it costs to read."""
    return format_html(
        '<cite>{}</cite>. {}<span class="access">{}</span>',
        study.where_published,
        _link_html(study),
        study.get_access_display(),
    )


def status_html(study: Study) -> SafeString:
    """The word that warns of a notice, with a space behind it; "" if there is none."""
    if not study.is_noticed:
        return SafeString("")
    return format_html(
        '<strong class="status {}">{}</strong> ', study.status, study.get_status_display()
    )


def _link_html(study: Study) -> SafeString:
    if study.doi:
        return format_html('<a href="{}">doi:{}</a> ', study.doi_url, study.doi)
    if study.url:
        return format_html('<a href="{}">{}</a> ', study.url, urlsplit(study.url).hostname)
    if study.pmid:
        return format_html('<a href="{}">PMID {}</a> ', study.pubmed_url, study.pmid)
    return SafeString("")
