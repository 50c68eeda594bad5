"""What callouts say, by the state of the drive: written once for the whole site."""

import re

from django.core.exceptions import ValidationError
from django.db import models

from donations.models.drives import Drive
from fibrosite.lib.fields import LineField

# What an editor can put into the words of a drive.
PLACES = ("{drive}", "{begins}", "{ends}")


class CalloutCopy(models.Model):
    """The words of one state, with PLACES in them. Without a heading nothing is shown."""

    state = models.CharField(max_length=7, choices=Drive.State, unique=True, editable=False)
    heading = LineField(max_length=120, blank=True)
    words = LineField(max_length=300, blank=True)
    button = LineField(max_length=40, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = "callout words"
        verbose_name_plural = "callout words"

    def __str__(self) -> str:
        is_fund = self.state == Drive.State.AFTER
        return "No drive: gifts to the fund" if is_fund else self.get_state_display()

    def clean(self) -> None:
        """Refuse places that nothing fills, and words that say nothing out of their context."""
        errors = {
            name: message
            for name in ("heading", "words", "button")
            if (message := self._fault_of(getattr(self, name)))
        }
        if errors:
            raise ValidationError(errors)

    def _fault_of(self, text: str) -> str:
        allowed = () if self.state == Drive.State.AFTER else PLACES
        unknown = [place for place in re.findall(r"\{[^}]*\}?|\}", text) if place not in allowed]
        if unknown and not allowed:
            return f"{unknown[0]} stands for something of a drive, and there is none then."
        if unknown:
            return f"{unknown[0]} is not known. You can use {', '.join(PLACES)}."
        if re.search(r"\bclick here\b", text, re.IGNORECASE):
            return "“Click here” does not say where it leads: name what the reader finds there."
        return ""
