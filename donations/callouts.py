"""What pages ask for, by the state of the drive."""

from dataclasses import dataclass
from datetime import date

from donations.ledger import Progress, progress
from donations.models import CalloutCopy, Drive

State = Drive.State

# What a new site says, until an editor writes something else.
FIRST_WORDS: dict[str, tuple[str, str, str]] = {
    State.OPEN: ("{drive}", "", "How to give"),
    State.NEAR: ("{drive}", "The goal is near.", "How to give"),
    State.STRETCH: (
        "{drive}",
        "The goal is met: thank you. What comes now goes towards the stretch goal.",
        "How to give",
    ),
    State.MET: ("{drive}", "The goal is met: thank you. Each further gift helps.", "How to give"),
    State.ENDED: ("", "", ""),
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
    """A drive that is spoken of, and how."""

    drive: Drive
    progress: Progress
    state: str
    heading: str
    words: str
    button: str

    @property
    def is_over(self) -> bool:
        """Whether it takes no more gifts."""
        return self.state == State.ENDED


def callout_on(day: date) -> Callout | None:
    """What pages say on this day of the site's calendar; None when they are silent."""
    drive = Drive.objects.shown_on(day).first()
    if drive is None:
        return None
    standing = progress(drive)
    state = drive.state_on(day, raised_minor=standing.raised_minor)
    copy = CalloutCopy.objects.filter(state=state).first()
    if copy is None or not copy.heading:
        return None
    return Callout(
        drive=drive,
        progress=standing,
        state=state,
        heading=copy.heading.replace("{drive}", drive.name),
        words=copy.words.replace("{drive}", drive.name),
        button=copy.button,
    )
