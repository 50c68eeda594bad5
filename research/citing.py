"""Citations in house style, as HTML.

Made in plain Python: an article shows up to eighty of them, and a template for each costs more
than the page around it.
"""

from html import escape
from urllib.parse import urlsplit

from django.utils.safestring import SafeString

from research.models import Study

# get_access_display() makes this dictionary anew for each study.
_ACCESS = dict(Study.Access.choices)


def reference_html(study: Study) -> SafeString:
    """One citation: status if any, authors, title as a link to the study's page, where, access."""
    stop = "" if study.title.endswith((".", "?", "!")) else "."
    return SafeString(
        f"{status_html(study)}{_before(study.authors_line)}"
        f'<a class="title" href="{escape(study.get_absolute_url())}">{escape(study.title)}</a>'
        f"{stop} {source_html(study)}"
    )


def _before(text: str) -> str:
    return f"{escape(text)} " if text else ""


def source_html(study: Study) -> SafeString:
    """Where it was published, where to read it, and what it costs to read."""
    return SafeString(
        f"<cite>{escape(study.where_published)}</cite>. {_link_html(study)}"
        f'<span class="access">{_ACCESS.get(study.access, "")}</span>'
    )


def status_html(study: Study) -> SafeString:
    """The word that warns of a notice, with a space behind it; "" if there is none."""
    if not study.is_noticed:
        return SafeString("")
    status, word = escape(study.status), escape(study.get_status_display())
    return SafeString(f'<strong class="status {status}">{word}</strong> ')


def _link_html(study: Study) -> str:
    if study.doi:
        return _link(study.doi_url, f"doi:{study.doi}")
    if study.url:
        return _link(study.url, urlsplit(study.url).hostname or study.url)
    if study.pmid:
        return _link(study.pubmed_url, f"PMID {study.pmid}")
    return ""


def _link(address: str, words: str) -> str:
    return f'<a href="{escape(address)}">{escape(words)}</a> '
