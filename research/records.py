"""What a source says of one publication, in one shape for all sources."""

from dataclasses import dataclass
from datetime import date

from research.names import Name


@dataclass(frozen=True)
class Signal:
    """An editorial notice that a source reports about a publication.

    `kind` is a value of `Notice.Kind`; `doi` is the notice's own, "" if unknown; `source` is
    "publisher" or "retraction-watch".
    """

    kind: str
    doi: str = ""
    source: str = "publisher"
    dated_on: date | None = None


@dataclass(frozen=True)
class Record:
    """A publication as a source describes it; "" and None mean that the source does not say.

    The fields are those of `Study`: `doi` and `pmid` in their one form, `kind` a value of
    `Publication`. `reviewed` is "preprint" where the source says so.
    """

    doi: str = ""
    pmid: str = ""
    title: str = ""
    authors: tuple[Name, ...] = ()
    authors_cut: bool = False
    journal: str = ""
    publisher: str = ""
    place: str = ""
    year: int | None = None
    month: int | None = None
    day: int | None = None
    volume: str = ""
    issue: str = ""
    pages: str = ""
    kind: str = ""
    url: str = ""
    reviewed: str = ""
    notices: tuple[Signal, ...] = ()
