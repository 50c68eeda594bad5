"""Articles, pages and what they are made of."""

from articles.models.articles import MAX_GIST, MIN_GIST, Article, GistPoint
from articles.models.authors import Author
from articles.models.blocks import (
    ARTICLE_BLOCKS,
    PAGE_BLOCKS,
    ArticleBox,
    ArticleCallout,
    ArticleFact,
    ArticleFigure,
    ArticleQuote,
    ArticleRelated,
    ArticleStudyCard,
    ArticleTable,
    ArticleText,
    ArticleVideo,
    PageBox,
    PageFact,
    PageFigure,
    PageQuote,
    PageStudyCard,
    PageTable,
    PageText,
)
from articles.models.body import POSITION_HELP
from articles.models.glossary import Term
from articles.models.pages import Page
from articles.models.pictures import picture_path
from articles.models.references import PageReference, Reference
from articles.models.series import Series
from articles.models.tags import Tag, TaggedArticle

__all__ = [
    "ARTICLE_BLOCKS",
    "MAX_GIST",
    "MIN_GIST",
    "PAGE_BLOCKS",
    "POSITION_HELP",
    "Article",
    "ArticleBox",
    "ArticleCallout",
    "ArticleFact",
    "ArticleFigure",
    "ArticleQuote",
    "ArticleRelated",
    "ArticleStudyCard",
    "ArticleTable",
    "ArticleText",
    "ArticleVideo",
    "Author",
    "GistPoint",
    "Page",
    "PageBox",
    "PageFact",
    "PageFigure",
    "PageQuote",
    "PageReference",
    "PageStudyCard",
    "PageTable",
    "PageText",
    "Reference",
    "Series",
    "Tag",
    "TaggedArticle",
    "Term",
    "picture_path",
]
