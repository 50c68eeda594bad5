"""The writers' desk."""

from articles.admin import articles, pages, small

__all__ = ["articles", "pages", "small"]
