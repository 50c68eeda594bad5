"""What a study can carry, in one honest line made of its recorded facts.

What nobody recorded reads "not stated": silence would look like a clean record.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models

NOT_STATED = "not stated"


class Design(models.TextChoices):
    """How a study was made."""

    META_ANALYSIS = "meta-analysis", "Meta-analysis"
    SYSTEMATIC_REVIEW = "systematic-review", "Systematic review"
    RCT = "rct", "Randomised controlled trial"
    PILOT = "pilot", "Pilot trial"
    COHORT = "cohort", "Cohort study"
    CASE_CONTROL = "case-control", "Case-control study"
    CROSS_SECTIONAL = "cross-sectional", "Cross-sectional study"
    CASE_SERIES = "case-series", "Case reports"
    QUALITATIVE = "qualitative", "Qualitative study"
    ANIMAL = "animal", "Animal study"
    IN_VITRO = "in-vitro", "Laboratory study of cells"
    REVIEW = "review", "Narrative review"
    CRITERIA = "criteria", "Criteria or guideline"
    PROTOCOL = "protocol", "Protocol, no results yet"
    OPINION = "opinion", "Opinion"


class Malaise(models.TextChoices):
    """Whether post-exertional malaise was required of those who took part."""

    REQUIRED = "yes", "required"
    NOT_REQUIRED = "no", "not required"
    NOT_STATED = "", NOT_STATED


class Reviewed(models.TextChoices):
    """Whether other researchers checked it before it appeared."""

    PEER_REVIEWED = "peer-reviewed", "peer reviewed"
    PREPRINT = "preprint", "preprint, not peer reviewed"
    NOT_STATED = "", f"peer review {NOT_STATED}"


# In these nobody took part, so there is no number of people to miss.
WITHOUT_PEOPLE = {Design.REVIEW, Design.CRITERIA, Design.PROTOCOL, Design.OPINION}
NOT_IN_PEOPLE = {Design.ANIMAL, Design.IN_VITRO}
# These compare patients with patients, or with nobody: missing controls are no gap.
WITHOUT_CONTROLS = {
    Design.META_ANALYSIS,
    Design.SYSTEMATIC_REVIEW,
    Design.RCT,
    Design.PILOT,
    Design.CASE_SERIES,
    Design.QUALITATIVE,
}


@dataclass(frozen=True)
class Facts:
    """The recorded facts that the line is made of; None and "" mean that nobody recorded them."""

    design: str = ""
    patients: int | None = None
    controls: int | None = None
    criteria: str = ""
    malaise: str = ""
    reviewed: str = ""
    funding: str = ""


def evidence_line(facts: Facts) -> str:
    """Design, people, criteria, review and funding as one sentence, missing ones "not stated"."""
    return "; ".join(_parts(facts)) + "."


def _parts(facts: Facts) -> Iterator[str]:
    design = Design(facts.design) if facts.design else None
    yield str(design.label) if design else f"Design {NOT_STATED}"
    if design in NOT_IN_PEOPLE:
        yield "not in people"
    elif design not in WITHOUT_PEOPLE:
        yield from _people(facts, compares=design not in WITHOUT_CONTROLS)
    yield str(Reviewed(facts.reviewed).label)
    yield f"funding: {facts.funding or NOT_STATED}"


def _people(facts: Facts, *, compares: bool) -> Iterator[str]:
    counts = [_count(facts.patients, "patient")]
    if compares or facts.controls:
        counts.append(_count(facts.controls, "control"))
    yield ", ".join(counts)
    yield f"diagnostic criteria: {facts.criteria or NOT_STATED}"
    yield f"post-exertional malaise: {Malaise(facts.malaise).label}"


def _count(number: int | None, noun: str) -> str:
    if number is None:
        return f"{noun}s {NOT_STATED}"
    if number == 0:
        return f"no {noun}s"
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
