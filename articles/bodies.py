"""Bodies after their blocks were saved: what follows from them is written down."""

from collections.abc import Iterator

from content_editor.contents import contents_for_item
from django.db import transaction
from django.utils.html import strip_tags

from articles import models
from articles.models import Article, Page, body
from articles.prose import cited_keys, words_of
from research.models import Study

Document = Article | Page


def blocks_of(document: Document) -> list[body.Block]:
    """All blocks in their order: one query for each kind, however many there are."""
    kinds = models.ARTICLE_BLOCKS if isinstance(document, Article) else models.PAGE_BLOCKS
    return list(contents_for_item(document, kinds))


def keys_cited(blocks: list[body.Block]) -> list[str]:
    """The keys of all references in the order of their first mark, each once."""
    return list(dict.fromkeys(key for block in blocks for key in _keys_of(block)))


def _keys_of(block: body.Block) -> Iterator[str]:
    if isinstance(block, body.TextBlock | body.BoxBlock):
        yield from cited_keys(block.html)
    elif isinstance(block, body.QuoteBlock | body.StudyCardBlock) and block.study:
        yield block.study.slug


@transaction.atomic
def settle(document: Document) -> None:
    """Give each study that the body cites its reference, and count the words.

    To be called after blocks were saved. Safe to call twice. A key that no study and no
    reference has stays as it is: preflight names it.
    """
    blocks = blocks_of(document)
    _refer_to_what_is_cited(document, keys_cited(blocks))
    if isinstance(document, Article):
        document.words = sum(_words_in(block) for block in blocks)
        Article.objects.filter(pk=document.pk).update(words=document.words)


def _refer_to_what_is_cited(document: Document, cited: list[str]) -> None:
    known = set(document.references.values_list("key", flat=True))
    missing = [key for key in cited if key not in known]
    studies = {study.slug: study for study in Study.objects.filter(slug__in=missing)}
    last = document.references.count()
    for position, key in enumerate(missing, start=last):
        if key in studies:
            document.references.create(study=studies[key], position=position)


def _words_in(block: body.Block) -> int:
    if isinstance(block, body.TextBlock | body.BoxBlock):
        return words_of(block.html)
    if isinstance(block, body.QuoteBlock):
        return len(block.text.split())
    if isinstance(block, body.TableBlock):
        return len(strip_tags(block.cells).replace("|", " ").split())
    return 0
