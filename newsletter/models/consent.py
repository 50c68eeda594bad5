"""What subscribers agreed to and took back."""

from django.db import models

from newsletter.models.subscribers import Subscriber


class ConsentEvent(models.Model):
    """What a subscriber agreed to or took back, and when. Appended, never edited."""

    class Kind(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed the address"
        CHANGED = "changed", "Confirmed a new address"
        CHOSE = "chose", "Chose preferences"
        PAUSED = "paused", "Paused"
        RESUMED = "resumed", "Resumed"
        IMPORTED = "imported", "Came with a list"
        LEFT = "left", "Left"

    class Method(models.TextChoices):
        PAGE = "page", "Button on our page"
        ONE_CLICK = "one-click", "One-click in the mail program"
        IMPORTED = "imported", "Entered by the operator"
        PROVIDER = "provider", "Told by the mail provider"

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="consent")
    kind = models.CharField(max_length=10, choices=Kind)
    method = models.CharField(max_length=10, choices=Method)
    form = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    text_version = models.CharField(max_length=20, blank=True)
    asked_at = models.DateTimeField(null=True)
    happened_at = models.DateTimeField()

    class Meta:
        ordering = ["happened_at", "pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.happened_at:%Y-%m-%d %H:%M} UTC"

    def save(self, *args: object, **kwargs: object) -> None:
        if self.pk:
            raise TypeError("A consent event is never changed: append another.")
        super().save(*args, **kwargs)  # type: ignore[arg-type]
