"""A study is a row, found by its DOI or PMID."""

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, NullIf
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.text import slugify

from fibrosite.lib.fields import LineField
from research.evidence import Design, Facts, Malaise, Reviewed, evidence_line
from research.models.citable import FIRST_YEAR, Citable
from research.models.condition import Condition

if TYPE_CHECKING:
    from research.models.notice import Notice

# Addresses beside those of studies.
RESERVED_SLUGS = {"feed"}
NOT_KNOWN = "Leave empty if the study does not say."
# When the source has not answered for so long, readers hear that we do not know.
CHECK_HOLDS_FOR = timedelta(days=30)


# An article links to eighty studies: looking up the pattern each time was a third of their cost.
@lru_cache(maxsize=4096)
def _address(slug: str, script_prefix: str) -> str:
    return reverse("research:study", args=[slug])


class StudyQuerySet(models.QuerySet["Study"]):
    """The verbs to read studies with. Undated studies stand last, whatever the database."""

    def newest_first(self) -> "StudyQuerySet":
        """By year of publication, the newest first."""
        return self.order_by(F("year").desc(nulls_last=True), "title", "pk")

    def oldest_first(self) -> "StudyQuerySet":
        """By year of publication, the oldest first."""
        return self.order_by(F("year").asc(nulls_last=True), "title", "pk")

    def by_author(self) -> "StudyQuerySet":
        """By the authors' names, ignoring case; studies without an author stand last."""
        name = NullIf(Lower("authors"), models.Value(""))
        return self.order_by(name.asc(nulls_last=True), F("year").asc(nulls_last=True), "pk")

    def latest_added(self) -> "StudyQuerySet":
        """By when they came into the library, the latest first."""
        return self.order_by("-added_at", "-pk")

    def watchable(self) -> "StudyQuerySet":
        """Those whose corrections and retractions can be looked up: they have a DOI."""
        return self.filter(doi__isnull=False)


class Study(Citable):
    """A research publication that articles refer to."""

    class Status(models.TextChoices):
        """What notices say of it, from nothing to the gravest."""

        NONE = "none", "No notice"
        CORRECTED = "corrected", "Corrected"
        CONCERN = "concern", "Expression of concern"
        RETRACTED = "retracted", "Retracted"

    plain_sentence = LineField(
        "in one plain sentence",
        max_length=300,
        blank=True,
        help_text="Who was studied, and what it cannot show. Readers see it under the citation.",
    )

    conditions = models.ManyToManyField(Condition, blank=True, related_name="studies")
    design = models.CharField(max_length=20, choices=Design, blank=True)
    patients = models.PositiveIntegerField(null=True, blank=True, help_text=NOT_KNOWN)
    controls = models.PositiveIntegerField(null=True, blank=True, help_text=f"{NOT_KNOWN} 0: none.")
    criteria = LineField(
        "diagnostic criteria", max_length=120, blank=True, help_text="Such as “ACR 2016”."
    )
    malaise = models.CharField("post-exertional malaise", max_length=3, choices=Malaise, blank=True)
    reviewed = models.CharField("peer review", max_length=15, choices=Reviewed, blank=True)
    funding = LineField("funding and interests", max_length=300, blank=True)

    added_at = models.DateTimeField("added", auto_now_add=True)
    # What the source last gave, by field: a value that differs from it is the editor's.
    fetched = models.JSONField(default=dict, blank=True, editable=False)
    fetched_at = models.DateTimeField("fetched", null=True, blank=True, editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.NONE, editable=False)
    checked_at = models.DateTimeField("checked for notices", null=True, blank=True, editable=False)
    check_again_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = [F("year").desc(nulls_last=True), "title"]
        verbose_name_plural = "studies"
        constraints = [
            models.CheckConstraint(condition=Q(year__gte=FIRST_YEAR), name="study_year_plausible"),
            models.CheckConstraint(
                condition=Q(month__isnull=True) | Q(month__range=(1, 12), year__isnull=False),
                name="study_month_of_a_year",
            ),
            models.CheckConstraint(
                condition=Q(day__isnull=True) | Q(day__range=(1, 31), month__isnull=False),
                name="study_day_of_a_month",
            ),
            models.CheckConstraint(condition=~Q(doi=""), name="study_doi_or_null"),
            models.CheckConstraint(condition=~Q(pmid=""), name="study_pmid_or_null"),
        ]

    def __str__(self) -> str:
        return f"{self.short_citation}: {self.title}"

    def save(self, *args: object, **kwargs: object) -> None:
        if not self.slug:
            self.slug = self._free_slug()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    def get_absolute_url(self) -> str:
        return _address(self.slug, get_script_prefix())

    def clean(self) -> None:
        """Raises ValidationError if the date is none, or it is here already without identifiers."""
        super().clean()
        if not self.doi and not self.pmid and self._has_twin():
            raise ValidationError(
                {"title": "A study of this title and year, without DOI and PMID, is here already."}
            )

    def _has_twin(self) -> bool:
        twins = Study.objects.filter(
            doi=None, pmid=None, title__iexact=self.title, year=self.year
        ).exclude(pk=self.pk)
        return twins.exists()

    def _free_slug(self) -> str:
        title = " ".join(self.title.split()[:6])
        words = slugify(f"{self.first_author} {self.year or ''} {title}")
        base = words[:100].rstrip("-") or "study"
        twins = Study.objects.filter(slug__startswith=base)
        taken = RESERVED_SLUGS | set(twins.values_list("slug", flat=True))
        candidates = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
        return next(slug for slug in candidates if slug not in taken)

    @property
    def evidence_line(self) -> str:
        """What it can carry, in one sentence; see `research.evidence`."""
        facts = Facts(
            design=self.design,
            patients=self.patients,
            controls=self.controls,
            criteria=self.criteria,
            malaise=self.malaise,
            reviewed=self.reviewed,
            funding=self.funding,
        )
        return evidence_line(facts)

    @property
    def is_noticed(self) -> bool:
        """Whether a notice stands against it: readers see a banner."""
        return self.status != self.Status.NONE

    @property
    def is_check_stale(self) -> bool:
        """Whether the source was last heard too long ago, or never."""
        return self.checked_at is None or timezone.now() - self.checked_at > CHECK_HOLDS_FOR

    @property
    def standing_notices(self) -> "list[Notice]":
        """The notices that readers see, the latest first; no query if they were prefetched."""
        return [notice for notice in self.notices.all() if notice.stands]
