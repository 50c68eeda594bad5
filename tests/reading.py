"""Reading pages as a browser would: the tags of a page, with their attributes."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """All tags of some HTML, in order, as (name, attributes)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, name: str) -> list[dict[str, str]]:
        """The attributes of each tag of this name."""
        return [attrs for tag, attrs in self.tags if tag == name]
