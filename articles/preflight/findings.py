"""What preflight says, and how findings of one cause are drawn together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

# A cause that stands in more places is one finding, not a list of them.
MAX_PLACES = 3
MAX_EXCERPTS = 3
MAX_EXCERPT = 70


@dataclass(frozen=True)
class Finding:
    """One thing to mend: where, what, how; with `stops`, it keeps the document from readers.

    `anchor` is the id of the place on the change form, "" for the document as a whole.
    """

    block: str
    problem: str
    cure: str
    stops: bool = False
    anchor: str = ""

    def __str__(self) -> str:
        return f"{self.block}: {self.problem} {self.cure}"


@dataclass(frozen=True)
class Place:
    """Where something stands on the change form: its name, one such as "block 3", its id."""

    name: str
    short: str
    anchor: str = ""


@dataclass(frozen=True)
class Cause:
    """What can be wrong. `{words}` in `problem` are the words where it was seen."""

    problem: str
    cure: str
    stops: bool = False


@dataclass(frozen=True)
class Trouble:
    """A cause seen in one place; `words` as the text has them."""

    cause: Cause
    place: Place
    words: str = ""


def joined(troubles: Iterable[Trouble]) -> list[Finding]:
    """One finding for each cause and place, or for each cause if it stands in many places.

    What stops comes first; the rest is in the order in which it was seen.
    """
    by_cause: dict[Cause, dict[Place, list[str]]] = {}
    for trouble in troubles:
        places = by_cause.setdefault(trouble.cause, {})
        places.setdefault(trouble.place, []).append(trouble.words)
    findings = [one for cause, places in by_cause.items() for one in _findings(cause, places)]
    return sorted(findings, key=lambda finding: not finding.stops)


def _findings(cause: Cause, places: dict[Place, list[str]]) -> Iterator[Finding]:
    if len(places) <= MAX_PLACES:
        for place, words in places.items():
            yield _finding(cause, place.name, place, words)
    else:
        everywhere = [word for words in places.values() for word in words]
        yield _finding(cause, _and_more(list(places)), next(iter(places)), everywhere)


def _finding(cause: Cause, name: str, place: Place, words: list[str]) -> Finding:
    problem = cause.problem.replace("{words}", quoted(words))
    return Finding(name, problem, cause.cure, cause.stops, place.anchor)


def _and_more(places: list[Place]) -> str:
    """The first place by its name, the others by their numbers."""
    numbered = [place.short.rpartition(" ") for place in places[1:]]
    others = []
    for kind, group in groupby(numbered, key=lambda parts: parts[0]):
        numbers = [number for _, _, number in group]
        others.append(f"{kind}{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}")
    return f"{places[0].name} and {'; '.join(others)}"


def quoted(words: Iterable[str]) -> str:
    """The first of the excerpts in quotation marks, each once, and how many more there are."""
    each = list(dict.fromkeys(filter(None, words)))
    shown = ", ".join(f"“{clipped(one)}”" for one in each[:MAX_EXCERPTS])
    more = len(each) - MAX_EXCERPTS
    return f"{shown} and {more} more" if more > 0 else shown


def clipped(text: str, limit: int = MAX_EXCERPT) -> str:
    """The text on one line, cut between words if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit].rpartition(' ')[0] or line[:limit]}…"
