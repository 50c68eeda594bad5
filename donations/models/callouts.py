"""What callouts say, by the state of the drive: written once for the whole site."""

from django.db import models

from donations.models.drives import Drive
from fibrosite.lib.fields import LineField


class CalloutCopy(models.Model):
    """The words of one state: `{drive}` stands for its name. Without a heading nothing is shown."""

    # States that pages may speak of; before and long after a drive they are silent.
    STATES = (
        Drive.State.OPEN,
        Drive.State.NEAR,
        Drive.State.STRETCH,
        Drive.State.MET,
        Drive.State.ENDED,
    )

    state = models.CharField(max_length=7, choices=Drive.State, unique=True, editable=False)
    heading = LineField(max_length=120, blank=True)
    words = LineField(max_length=300, blank=True)
    button = LineField(max_length=40, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = "callout words"
        verbose_name_plural = "callout words"

    def __str__(self) -> str:
        return self.get_state_display()
