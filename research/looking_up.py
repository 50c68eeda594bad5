"""Studies by DOI or PMID: looked up, added once, and renewed without losing a correction."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from research.identifiers import identify
from research.models import Study
from research.names import write_names
from research.records import Record
from research.sources.fetching import LookUpFailedError, look_up
from research.watching import take_in

# What a source says of a study; all else is the editors' own.
FIELDS = (
    "title", "authors", "journal", "year", "month", "day", "volume", "issue", "pages",
    "publisher", "place", "kind", "url", "reviewed",
)  # fmt: skip
DATE = ("year", "month", "day")


class DoesNotFitError(LookUpFailedError):
    """The source has a record of which no study can be made."""


class Added(NamedTuple):
    """The study, whether it is new, and whether the look-up gave it the PMID it lacked."""

    study: Study
    is_new: bool
    got_pmid: bool = False


class Difference(NamedTuple):
    """A field in which the source and the editor say different things."""

    label: str
    source_says: str
    editor_wrote: str


@dataclass(frozen=True)
class Renewal:
    """What fetching again changed, and what it left to the editor."""

    source: str
    renewed: list[str]
    differing: list[Difference]


def values_of(record: Record) -> dict[str, Any]:
    """What the record says, by field of `Study`, without what it does not say."""
    says = {name: getattr(record, name) for name in FIELDS if name != "authors"}
    says["authors"] = write_names(record.authors, cut=record.authors_cut)
    return {name: says[name] for name in FIELDS if says[name] not in (None, "")}


def find(kind: str, identifier: str) -> Study | None:
    """The study of an identifier as `identify` gives it."""
    return Study.objects.filter(**{kind: identifier}).first()


def find_record(record: Record) -> Study | None:
    """The study that a record is about, by DOI before PMID."""
    by_doi = find("doi", record.doi) if record.doi else None
    return by_doi or (find("pmid", record.pmid) if record.pmid else None)


def add(text: str) -> Added:
    """The study that a pasted DOI or PMID names: the one we have, or a new one as fetched.

    Raises ValueError if the text names none, LookUpFailedError if nothing was fetched; both say
    why in a sentence. The look-up happens outside any transaction.
    """
    identifier = identify(text)
    if study := find(*identifier):
        return Added(study, is_new=False)
    answer = look_up(*identifier)
    if study := find_record(answer.record):
        return Added(study, is_new=False, got_pmid=_learn_pmid(study, answer.record))
    if not answer.record.title:
        raise DoesNotFitError(f"{answer.source} has this {identifier[0].upper()}, but no title.")
    try:
        return Added(_create_fetched(answer.record), is_new=True)
    except (IntegrityError, ValidationError) as error:
        # Somebody else added it in this moment.
        if study := find_record(answer.record):
            return Added(study, is_new=False)
        raise DoesNotFitError(_why(answer.source, error)) from error


def _create_fetched(record: Record) -> Study:
    study = build(record)
    study.fetched, study.fetched_at = values_of(record), timezone.now()
    study.full_clean(exclude=["slug"])
    with transaction.atomic():
        study.save()
        # So that a retracted study never stands there without its banner.
        take_in(study, record.notices, now=study.fetched_at)
    return study


def build(record: Record) -> Study:
    """A study as the record describes it, not yet checked or saved."""
    return Study(doi=record.doi or None, pmid=record.pmid or None, **values_of(record))


def _why(source: str, error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"What {source} says could not be kept; try again."
    field, messages = next(iter(error.message_dict.items()))
    return f"What {source} says does not fit our field “{field}”: {messages[0]}"


def _learn_pmid(study: Study, record: Record) -> bool:
    if study.pmid or not record.pmid:
        return False
    return bool(Study.objects.filter(pk=study.pk, pmid=None).update(pmid=record.pmid))


def renew(study: Study) -> Renewal:
    """Ask the source again; renew what nobody corrected since, and name what differs.

    A field that equals what was fetched last time, or is empty and was never fetched, takes the
    new value. Raises LookUpFailedError; then nothing has changed.
    """
    answer = look_up("doi", study.doi) if study.doi else look_up("pmid", study.pmid or "")
    with transaction.atomic():
        # Two who press the button at once renew one after the other.
        current = Study.objects.select_for_update().get(pk=study.pk)
        try:
            return _take_over(current, answer.source, answer.record)
        except ValidationError as error:
            raise DoesNotFitError(_why(answer.source, error)) from error


def _take_over(study: Study, source: str, record: Record) -> Renewal:
    says = values_of(record)
    new = _new_values(study, says)
    told = [
        _difference(study, name, value)
        for name, value in says.items()
        if name not in new and getattr(study, name) != value
    ]
    new |= _missing_identifiers(study, record)
    renewed = [name for name, value in new.items() if (getattr(study, name) or None) != value]
    for name, value in new.items():
        setattr(study, name, value)
    date = {name: says.get(name) for name in DATE} if "year" in says else {}
    study.fetched, study.fetched_at = {**study.fetched, **says, **date}, timezone.now()
    study.full_clean(exclude=["slug"])
    study.save(update_fields=[*FIELDS, "doi", "pmid", "fetched", "fetched_at"])
    take_in(study, record.notices, now=study.fetched_at)
    return Renewal(source, [_label(name) for name in renewed], told)


def _new_values(study: Study, says: dict[str, Any]) -> dict[str, Any]:
    """What the source says of fields that nobody corrected; a date is taken as a whole."""
    new: dict[str, Any] = {}
    for group in [*((name,) for name in FIELDS if name not in DATE), DATE]:
        now = [getattr(study, name) or None for name in group]
        before = [study.fetched.get(name) for name in group]
        if group[0] in says and (now == before or not any([*now, *before])):
            new |= {name: says.get(name) for name in group}
    return new


def _missing_identifiers(study: Study, record: Record) -> dict[str, str]:
    """Those that the study lacks and no other one has."""
    known = {"doi": record.doi, "pmid": record.pmid}
    return {
        kind: value
        for kind, value in known.items()
        if value and not getattr(study, kind) and not find(kind, value)
    }


def _difference(study: Study, name: str, says: Any) -> Difference:
    wrote = getattr(study, name)
    if name == "authors":
        return Difference(_label(name), *_first_difference(says, wrote))
    return Difference(_label(name), str(says), "" if wrote is None else str(wrote))


def _first_difference(one: str, other: str) -> tuple[str, str]:
    """The first line in which two lists of authors differ."""
    lines, others = one.splitlines(), other.splitlines()
    length = max(len(lines), len(others))
    padded = ([*some, *[""] * (length - len(some))] for some in (lines, others))
    return next(pair for pair in zip(*padded, strict=True) if pair[0] != pair[1])


def _label(name: str) -> str:
    return str(Study._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
