"""The blocks of articles and of pages: one table for each kind and owner."""

from django.db import models

from articles.models import body
from articles.models.articles import Article
from articles.models.pages import Page

# So that each kind can be reached from its owner, as the admin's forms ask.
_BACK = "%(app_label)s_%(class)s_set"


class ArticleText(body.TextBlock):
    """Text of an article."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)


class ArticleFigure(body.FigureBlock):
    """A figure of an article."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)


class ArticleQuote(body.QuoteBlock):
    """A pull quote of an article."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)


class ArticleTable(body.TableBlock):
    """A table of an article."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)


class ArticleStudyCard(body.StudyCardBlock):
    """A study card of an article."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)


class ArticleBox(body.BoxBlock):
    """A box of an article."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)


class ArticleFact(body.FactBlock):
    """A fact of an article."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)


class ArticleVideo(body.VideoBlock):
    """A video that an article links to."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)


class ArticleRelated(body.Block):
    """Another article, set apart in the text. Readers see it while that one is public."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)

    template_name = "articles/blocks/related.html"
    shows = ["related"]

    related = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="+")
    note = models.CharField(max_length=300, blank=True, help_text="Why it is worth reading here.")

    class Meta(body.Block.Meta):
        verbose_name = "related article"

    def __str__(self) -> str:
        return str(self.related)


class ArticleCallout(body.Block):
    """Where the call to give stands while a drive runs; at the end if there is no such block."""

    parent = models.ForeignKey(Article, on_delete=models.CASCADE, related_name=_BACK)

    class Meta(body.Block.Meta):
        verbose_name = "place of the donation callout"
        verbose_name_plural = "places of the donation callout"
        constraints = [
            models.UniqueConstraint(fields=["parent"], name="one_callout_per_article"),
        ]

    def __str__(self) -> str:
        return "The open drive, if there is one"


class PageText(body.TextBlock):
    """Text of a page."""

    parent = models.ForeignKey(Page, on_delete=models.CASCADE, related_name=_BACK)


class PageFigure(body.FigureBlock):
    """A figure of a page."""

    parent = models.ForeignKey(Page, on_delete=models.CASCADE, related_name=_BACK)


class PageQuote(body.QuoteBlock):
    """A pull quote of a page."""

    parent = models.ForeignKey(Page, on_delete=models.CASCADE, related_name=_BACK)


class PageTable(body.TableBlock):
    """A table of a page."""

    parent = models.ForeignKey(Page, on_delete=models.CASCADE, related_name=_BACK)


class PageStudyCard(body.StudyCardBlock):
    """A study card of a page."""

    parent = models.ForeignKey(Page, on_delete=models.CASCADE, related_name=_BACK)


class PageBox(body.BoxBlock):
    """A box of a page."""

    parent = models.ForeignKey(Page, on_delete=models.CASCADE, related_name=_BACK)


class PageFact(body.FactBlock):
    """A fact of a page."""

    parent = models.ForeignKey(Page, on_delete=models.CASCADE, related_name=_BACK)


ARTICLE_BLOCKS: list[type[body.Block]] = [
    ArticleText,
    ArticleFigure,
    ArticleQuote,
    ArticleTable,
    ArticleStudyCard,
    ArticleRelated,
    ArticleBox,
    ArticleFact,
    ArticleVideo,
    ArticleCallout,
]
PAGE_BLOCKS: list[type[body.Block]] = [
    PageText,
    PageFigure,
    PageQuote,
    PageTable,
    PageStudyCard,
    PageBox,
    PageFact,
]
