"""Tags as editors type them: between commas, whatever their capitals and spaces."""

from collections.abc import Iterable


def tidy_tag(name: str) -> str:
    """A tag as it is stored: lower-case, with single spaces."""
    return " ".join(name.lower().split())


def split_tags(text: str) -> list[str]:
    """The tags of a comma-separated list, each once, in alphabetical order.

    Only a comma separates: "long covid" is one tag. (taggit would make it two.)
    """
    names = {tidy_tag(part.replace('"', " ")) for part in (text or "").split(",")}
    return sorted(names - {""})


def join_tags(tags: Iterable[object]) -> str:
    """What `split_tags` reads back as the same tags."""
    return ", ".join(sorted(str(tag) for tag in tags))
