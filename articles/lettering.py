"""Bodies as letters show them: words and links alone, in HTML for mail and as plain text.

Mail programs know no style sheet of ours, so each tag carries its style; classes are those of the
letter's layout, for the dark. Pictures and videos become links: a letter loads nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from articles.bodies import blocks_of, keys_cited
from articles.models import Article, ArticleCallout, ArticleRelated, body
from articles.plain_text import plain_text, wrapped
from articles.rendering import Listed, number_references

# One step down: the article's own title is a heading of second rank in a letter.
_RANKS = {"h2": "h3", "h3": "h4"}
_STYLES = {
    "p": "margin:0 0 16px;",
    "h3": "font-size:20px;line-height:1.35;margin:24px 0 10px;",
    "h4": "font-size:17px;line-height:1.4;margin:20px 0 8px;",
    "ul": "margin:0 0 16px;padding-left:22px;",
    "ol": "margin:0 0 16px;padding-left:26px;",
    "li": "margin:0 0 6px;",
    "blockquote": "margin:0 0 16px;padding-left:16px;border-left:3px solid #ddd4c3;",
}
_CLASSES = {"blockquote": ' class="line"'}
_TAG = re.compile(r"<(/?)(p|h2|h3|ul|ol|li|blockquote)\b[^>]*>")
_MARK = re.compile(r'(?:\s|&nbsp;)*<cite-ref data-key="([-\w]+)"></cite-ref>')
_TERM = re.compile(r"</?glossary-term\b[^>]*>")
_HREF = re.compile(r'<a\b[^>]*?href="([^"]*)"[^>]*>')
_FOLDER = "articles/letters"


@dataclass(frozen=True)
class Source:
    """One line of the list of references: its label, its words, where they lead ("" nowhere)."""

    label: str
    words: str
    url: str
    status: str


@dataclass(frozen=True)
class Evidence:
    """What one study behind an article can carry: in a line, with its warning ("" if none)."""

    citation: str
    url: str
    status: str
    line: str


def letter_evidence(article: Article) -> list[Evidence]:
    """The studies that an article refers to, in its writer's order.

    No query if `article` comes from `for_page()`.
    """
    studies = [one.study for one in article.references.all() if one.study]
    return [
        Evidence(
            study.short_citation,
            site_address(study.get_absolute_url()),
            str(study.get_status_display()) if study.is_noticed else "",
            study.evidence_line,
        )
        for study in studies
    ]


def letter_html(article: Article) -> SafeString:
    """The body of an article and its references as HTML for mail.

    `article` should come from `for_page()`; the blocks take one query for each kind.
    """
    writer = _Writer(article)
    blocks = "".join(writer.html(block) for block in writer.blocks)
    sources = render_to_string(f"{_FOLDER}/sources.html", {"sources": writer.sources})
    return mark_safe(blocks + sources)


def letter_text(article: Article) -> str:
    """The same words and links as plain text, in lines of less than 78 characters.

    Only an address, a table's row or a word of its own may be longer.
    """
    writer = _Writer(article)
    blocks = [writer.text(block) for block in writer.blocks]
    sources = render_to_string(f"{_FOLDER}/sources.txt", {"sources": writer.sources})
    return "\n\n".join(part.strip("\n") for part in (*blocks, wrapped(sources)) if part.strip())


def site_address(path: str, base: str = "/") -> str:
    """A link of a body as an address that works in a mail; `base` is the page it stands on."""
    return urljoin(f"{settings.SITE_URL}{base}", path)


class _Writer:
    """Writes the blocks of one body; knows the numbers of its references."""

    def __init__(self, article: Article) -> None:
        self._page = article.get_absolute_url()
        self.blocks = [block for block in blocks_of(article) if _is_shown(block)]
        listed = number_references(article.references.all(), keys_cited(self.blocks))
        self._labels = {entry.reference.key: entry.label for entry in listed}
        self.sources = [_source(entry) for entry in _signs_last(listed)]

    def html(self, block: body.Block) -> str:
        """One block as HTML."""
        if isinstance(block, body.TextBlock):
            return self._prose(block.html)
        return self._rendered(block, "html", lambda html: mark_safe(self._prose(html)))

    def text(self, block: body.Block) -> str:
        """One block as wrapped text."""
        if isinstance(block, body.TextBlock):
            return plain_text(self._prose(block.html))
        return wrapped(self._rendered(block, "txt", lambda html: plain_text(self._prose(html))))

    def _rendered(self, block: body.Block, kind: str, prose: Callable[[str], str]) -> str:
        study = getattr(block, "study", None)
        related = getattr(block, "related", None)
        linked = study or related
        context = {
            "block": block,
            "page": site_address(self._page),
            "prose": prose(block.html) if isinstance(block, body.BoxBlock) else "",
            "mark": self._mark(study.slug) if study else "",
            "url": site_address(linked.get_absolute_url()) if linked else "",
        }
        return render_to_string(f"{_FOLDER}/{_name(block)}.{kind}", context)

    def _prose(self, html: str) -> str:
        html = _MARK.sub(lambda found: escape(self._mark(found[1])), html)
        html = _HREF.sub(self._link, _TERM.sub("", html))
        return _TAG.sub(_styled, html)

    def _link(self, found: re.Match[str]) -> str:
        return f'<a href="{site_address(found[1], self._page)}">'

    def _mark(self, key: str) -> str:
        label = self._labels.get(key)
        return f" [{label}]" if label else ""


def _is_shown(block: body.Block) -> bool:
    if isinstance(block, ArticleRelated):
        return block.related.is_public()
    return not isinstance(block, ArticleCallout)


def _name(block: body.Block) -> str:
    """What its page template is called: a letter's template has the same name."""
    return block.template_name.rpartition("/")[2].removesuffix(".html")


def _styled(found: re.Match[str]) -> str:
    end, tag = found[1], _RANKS.get(found[2], found[2])
    return f"</{tag}>" if end else f'<{tag}{_CLASSES.get(tag, "")} style="{_STYLES[tag]}">'


def _signs_last(listed: Iterable[Listed]) -> Iterator[Listed]:
    yield from sorted(listed, key=lambda entry: bool(entry.reference.sign))


def _source(entry: Listed) -> Source:
    study = entry.reference.study
    if study is None:
        return Source(entry.label, entry.reference.source, entry.reference.url, "")
    status = str(study.get_status_display()) if study.is_noticed else ""
    words = f"{study.short_citation}: {study.title}"
    return Source(entry.label, words, site_address(study.get_absolute_url()), status)
