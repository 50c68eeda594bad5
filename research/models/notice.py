"""Editorial notices about studies, as the watch found them."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from research.identifiers import doi_url
from research.models.study import Study


class NoticeQuerySet(models.QuerySet["Notice"]):
    """The verbs to read notices with."""

    def waiting(self) -> "NoticeQuerySet":
        """Those that stand and that no editor dealt with, the gravest first, then the latest."""
        gravity = models.Case(
            models.When(kind=Notice.Kind.RETRACTION, then=0),
            models.When(kind=Notice.Kind.CONCERN, then=1),
            default=2,
        )
        return self.filter(stands=True, settled_at__isnull=True).order_by(
            gravity, "-noticed_at", "-pk"
        )


class Notice(models.Model):
    """One editorial notice about a study, whichever source told of it, or both."""

    class Kind(models.TextChoices):
        CORRECTION = "correction", "Correction"
        CONCERN = "concern", "Expression of concern"
        RETRACTION = "retraction", "Retraction"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind)
    doi = models.CharField(
        "DOI of the notice", max_length=255, blank=True, help_text="Empty if it is not known."
    )
    from_publisher = models.BooleanField("the publisher says so", default=False)
    from_retraction_watch = models.BooleanField("Retraction Watch says so", default=False)
    dated_on = models.DateField("date of the notice", null=True, blank=True)
    # An editor can set it aside; the row stays, so that the same signal does not bring it back.
    stands = models.BooleanField("readers see it", default=True)
    noticed_at = models.DateTimeField("found", default=timezone.now)
    settled_at = models.DateTimeField("dealt with", null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name="dealt with by",
    )

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-dated_on", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["study", "kind", "doi"], name="notice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.study.short_citation}"

    @property
    def doi_url(self) -> str:
        """The address of the notice itself; "" if it is not known."""
        return doi_url(self.doi) if self.doi else ""

    @property
    def told_by(self) -> str:
        """Who told of it: "the publisher", "Retraction Watch" or both."""
        told = [
            (self.from_publisher, "the publisher"),
            (self.from_retraction_watch, "Retraction Watch"),
        ]
        return " and ".join(who for says_so, who in told if says_so)
