"""What pages ask for, by the state of the drive; between drives, for the fund."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.formats import date_format

from donations.ledger import Progress, progress
from donations.models import CalloutCopy, Donor, Drive

State = Drive.State

# What a new site says, until an editor writes something else. A drive that is still being
# prepared is not announced by itself.
FIRST_WORDS: dict[str, tuple[str, str, str]] = {
    State.BEFORE: ("", "", "How to give"),
    State.OPEN: ("{drive}", "It runs until {ends}.", "How to give"),
    State.NEAR: ("{drive}", "The goal is near. The drive runs until {ends}.", "How to give"),
    State.STRETCH: (
        "{drive}",
        "The goal is met: thank you. What comes now goes towards the stretch goal.",
        "How to give",
    ),
    State.MET: ("{drive}", "The goal is met: thank you. Each further gift helps.", "How to give"),
    State.ENDED: ("{drive} is over: thank you", "", "What became of it"),
    State.AFTER: (
        "Free to read for everyone",
        "This site lives on small gifts of its readers. If you have little, please keep it.",
        "How to give",
    ),
}


def keep(using: str = "default") -> None:
    """Make the rows that an editor can change; what was written stays."""
    rows = CalloutCopy.objects.using(using)
    known = set(rows.values_list("state", flat=True))
    rows.bulk_create(
        CalloutCopy(state=state, heading=heading, words=words, button=button)
        for state, (heading, words, button) in FIRST_WORDS.items()
        if state not in known
    )


@dataclass(frozen=True)
class Callout:
    """What one page says about giving. Without a drive it speaks of the fund."""

    state: str
    heading: str
    words: str
    button: str
    drive: Drive | None = None
    progress: Progress | None = None

    @property
    def is_over(self) -> bool:
        """Whether its drive takes no more gifts."""
        return self.state == State.ENDED

    @property
    def is_running(self) -> bool:
        """Whether its drive takes gifts now."""
        return self.drive is not None and self.state not in (State.BEFORE, State.ENDED)


def callout_on(day: date) -> Callout | None:
    """What pages say on this day of the site's calendar; None when they are silent.

    A drive that runs comes first, then one that ended lately, then one that begins soon, and
    without any of them the fund. A drive that runs without words is silent, and so are all.
    """
    written = {copy.state: copy for copy in CalloutCopy.objects.exclude(heading="")}
    for drive in Drive.objects.spoken_of_on(day):
        standing = progress(drive)
        state = drive.state_on(day, raised_minor=standing.raised_minor)
        if state in written:
            return _filled(written[state], drive=drive, progress=standing)
        if drive.is_open(day):
            return None
    fund = written.get(State.AFTER)
    return _filled(fund) if fund else None


def who_gave() -> QuerySet[Donor, str] | None:
    """The lower-case addresses of those whose gifts count in the open drive; None if none is open.

    It is the drive that letters name today: who gave is not asked again.
    """
    drive = Drive.objects.open_on(timezone.localdate()).first()
    if drive is None:
        return None
    gave = Donor.objects.filter(donations__drive=drive, donations__counted_minor__gt=0)
    known = gave.filter(erased_at=None).exclude(email="")
    return known.annotate(address=Lower("email")).values_list("address", flat=True)


def _filled(copy: CalloutCopy, drive: Drive | None = None, **more: Any) -> Callout:
    texts = (copy.heading, copy.words, copy.button)
    heading, words, button = (_with_facts(text, drive) for text in texts)
    return Callout(copy.state, heading, words, button, drive=drive, **more)


def _with_facts(text: str, drive: Drive | None) -> str:
    if drive is None:
        return text
    return (
        text.replace("{drive}", drive.name)
        .replace("{begins}", date_format(drive.starts_on, "j F Y"))
        .replace("{ends}", date_format(drive.ends_on, "j F Y"))
    )
