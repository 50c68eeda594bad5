"""The demo's content: read from the files beside this module, written through the models."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.text import slugify

from articles.models import Author, Series, Tag, Term
from donations import giving
from donations.models import Donation, Donor, Drive, Milestone
from fibrosite.demo.documents import Documents, read, write
from fibrosite.lib.money import to_minor
from fibrosite.roles import EDITOR as EDITOR_ROLE
from fibrosite.roles import TREASURER as TREASURER_ROLE
from newsletter.models import ConsentEvent, Rhythm, Subscriber
from research.models import Condition, Study

CONTENT = Path(__file__).parent / "content"
EDITOR = "editor"
# Known to everyone: the demo listens on this machine alone, and production refuses the demo.
EDITOR_PASSWORD = "calm-demo-editor"
TAG_LABELS = {"me/cfs": "ME/CFS", "long covid": "long COVID"}
SUBSCRIBERS = ["ada", "bea", "dara", "eli", "noor"]


def _read(name: str) -> dict[str, Any]:
    return read(CONTENT / name)


@transaction.atomic
def load(*, now: datetime | None = None) -> bool:
    """Load everything, all or nothing. False, and no change, if a demo was loaded before.

    Raises ContentError, with file and place, if the content does not fit the models.
    """
    if User.objects.filter(username=EDITOR).exists():
        return False
    now = now or timezone.now()
    _load_editor()
    _load_studies()
    _load_rows(Author, "authors", "author")
    _load_rows(Series, "series", "series")
    _load_rows(Term, "glossary", "term")
    Documents(now).load(_files("articles"), _files("pages"))
    for name, label in TAG_LABELS.items():
        Tag.objects.filter(name=name).update(label=label)
    for drive in _read("drives.toml")["drive"]:
        _load_drive(drive, now)
    _load_subscribers(now)
    # The first digest goes out with the first tick, so that a newcomer sees one.
    Rhythm.objects.update(next_due_at=now)
    return True


def _load_editor() -> None:
    editor = User.objects.create_user(EDITOR, password=EDITOR_PASSWORD, is_staff=True)
    # Who tries the demo is the one person who runs it.
    editor.groups.set(Group.objects.filter(name__in=[EDITOR_ROLE, TREASURER_ROLE]))


def _load_studies() -> None:
    for row in _read("studies.toml")["study"]:
        authors, conditions = "\n".join(row.pop("authors")), row.pop("conditions")
        study = Study(authors=authors, **row)
        study.full_clean(exclude=["slug"])
        study.save()
        study.conditions.set(_condition(name) for name in conditions)


def _condition(name: str) -> Condition:
    return Condition.objects.get_or_create(name=name, defaults={"slug": slugify(name)})[0]


def _load_rows(model: type[Model], name: str, kind: str) -> None:
    for number, row in enumerate(_read(f"{name}.toml")[kind], start=1):
        write(model, row, f"{name}.toml, {kind} {number}")


def _files(folder: str) -> list[Path]:
    return sorted((CONTENT / folder).glob("*.toml"))


def _load_drive(row: dict[str, Any], now: datetime) -> None:
    today = timezone.localdate(now)
    currency = row["currency"]
    drive = Drive(
        name=row["name"],
        slug=row["slug"],
        goal_minor=to_minor(Decimal(row["goal"]), currency),
        currency=currency,
        starts_on=today - timedelta(days=row["starts"]),
        ends_on=today - timedelta(days=row["ends"]),
        story=row["story"],
        how_to_give=row["how_to_give"],
        thanks=row["thanks"],
    )
    drive.full_clean()
    drive.save()
    for milestone in row.get("milestone", []):
        at_minor = to_minor(Decimal(milestone["at"]), currency)
        Milestone.objects.create(drive=drive, at_minor=at_minor, words=milestone["words"])
    for gift in row["donation"]:
        _load_gift(drive, gift, now)


def _load_gift(drive: Drive, row: dict[str, Any], now: datetime) -> None:
    received = now - timedelta(days=row["days"])
    donor = row["donor"]
    donation = Donation(
        drive=drive,
        method=row["method"],
        given_on=timezone.localdate(received),
        donor=Donor.objects.get_or_create(name=donor)[0] if donor else None,
        note=row["note"],
        show_name=row.get("show_name", False),
        name_shown=donor if row.get("show_name") else "",
        message=row.get("message", ""),
        message_state=Donation.MessageState(row.get("message_state", "waiting")),
    )
    amount_minor = to_minor(Decimal(row["amount"]), drive.currency)
    giving.receive(donation, amount_minor=amount_minor, now=received)


def _load_subscribers(now: datetime) -> None:
    for name in SUBSCRIBERS:
        subscriber = Subscriber.objects.create(email=f"{name}@readers.example", joined_at=now)
        ConsentEvent.objects.create(
            subscriber=subscriber,
            kind=ConsentEvent.Kind.CONFIRMED,
            method=ConsentEvent.Method.IMPORTED,
            happened_at=now,
        )
