"""Authors' names: a list of lines with a small grammar, and how citations show them.

A line with a comma is a person, `Family, Given`; `Family,` has no given name. A line without a
comma is a group; one whose name holds a comma stands in braces. A last line `et al.` says that
the list was cut.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

AND_MORE = "et al."
_MORE = re.compile(r"^\s*(?:et al|and others)[.\s]*$", re.IGNORECASE | re.MULTILINE)


class Name(NamedTuple):
    """One author; a group has its whole name in `family`."""

    family: str
    given: str = ""
    group: bool = False

    @property
    def cited(self) -> str:
        """As citations show it: "Gentile E", "Auger RG Jr", "RECOVER Consortium"."""
        parts = [self.family, initials(self.forename), self.generation.rstrip(".")]
        return " ".join(filter(None, parts))

    @property
    def forename(self) -> str:
        """The given name without what tells father from son."""
        return self.given.partition(",")[0].strip()

    @property
    def generation(self) -> str:
        """What tells father from son, such as "Jr" in "Auger, Ray G., Jr"."""
        return self.given.partition(",")[2].strip()

    @property
    def inverted(self) -> str:
        """As reference managers take it: "Gentile, Eleonora"; a group without any comma."""
        if self.group:
            # They take what stands before a comma for a family name.
            return self.family.replace(", ", " \u2013 ")
        return f"{self.family}, {self.given}" if self.given else self.family


@lru_cache(maxsize=4096)
def initials(given: str) -> str:
    """Initials without dots: "Daniel J." gives DJ, "Jean-Pierre" JP, "MR" stays.

    A script without capitals has no initials: such names stay whole.
    """
    parts = re.split(r"[\s.\-\u2010\u2011]+", given)
    return "".join(_initial(part) for part in parts)


def _initial(part: str) -> str:
    # Without a lower-case letter and this short, it is initials already.
    is_whole = (part.isupper() and len(part) <= 4) or part.upper() == part.lower()
    return part if is_whole else part[0].upper()


def parse_names(text: str) -> list[Name]:
    """The authors in order, without the mark that the list was cut; empty lines are skipped."""
    names = (_parse(line) for line in _lines(_MORE.sub("", text)))
    return [name for name in names if name.family]


def is_cut(text: str) -> bool:
    """Whether the list says that there are more authors than it names."""
    return _MORE.search(text) is not None


def write_names(names: Iterable[Name], cut: bool = False) -> str:
    """The lines of these names; `parse_names` gives the same names back.

    Spaces and line breaks within a name become one space. Names without a letter are left out.
    """
    lines = filter(None, (_write(name) for name in names))
    return "\n".join([*lines, *([AND_MORE] if cut else [])])


def _lines(text: str) -> list[str]:
    return list(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def _parse(line: str) -> Name:
    if line.startswith("{") and line.endswith("}"):
        return Name(line[1:-1].strip(), group=True)
    family, comma, given = line.partition(",")
    if comma and family:
        return Name(family.rstrip(), given.lstrip())
    return Name(line.strip(", "), group=True)


def _write(name: Name) -> str:
    family, given = " ".join(name.family.split()), " ".join(name.given.split())
    if name.group:
        in_braces = "," in family or family.startswith("{") or is_cut(family)
        return f"{{{family}}}" if in_braces else family
    # Some sources put "Jr" behind the family name, where the comma would start the given one.
    family, _, generation = (part.strip() for part in family.partition(","))
    given = ", ".join(filter(None, [given, generation]))
    # What a source calls the given name of a person with one name alone is that name.
    family, given = (family, given) if family else (given, "")
    return f"{family}, {given}".rstrip() if family else ""
