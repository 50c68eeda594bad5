"""What readers must know of studies behind what they got."""

from django.db import models

from newsletter.models.digests import Digest, DigestItem


class Citation(models.Model):
    """A study that an article of a digest cites, or cited once: what was sent rests on it.

    Studies and notices are known by their keys alone, from `articles.corrections`: what readers
    were told outlives its cause.
    """

    item = models.ForeignKey(DigestItem, on_delete=models.CASCADE, related_name="citations")
    study_key = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study_key", "item"], name="citation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} cites study {self.study_key}"


class Correction(models.Model):
    """What a digest tells of one notice about a study, frozen; some of its copies carry it."""

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="corrections")
    notice_key = models.PositiveBigIntegerField()
    study_key = models.PositiveBigIntegerField()
    found_at = models.DateTimeField()
    is_grave = models.BooleanField()
    html = models.TextField(editable=False)
    text = models.TextField(editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["digest", "notice_key"], name="one_line_per_notice"),
        ]

    def __str__(self) -> str:
        return f"{self.digest_id} tells of notice {self.notice_key}"
