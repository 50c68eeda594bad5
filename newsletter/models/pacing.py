"""How fast letters go out: what all workers, on whatever host, know together."""

from django.db import models


class Bucket(models.Model):
    """The tokens of one rate: a letter uses one, and they come back at the rate's speed."""

    # A destination's domain; "" for the whole site.
    domain = models.CharField(max_length=255, unique=True)
    # Seconds since 1970 up to which the rate is used up: what lies between this and now is free.
    used_until = models.FloatField(default=0)

    def __str__(self) -> str:
        return self.domain or "the whole site"


class DomainRest(models.Model):
    """A destination that refuses letters for now, and until when it is left alone.

    Forgotten once it accepts a letter.
    """

    domain = models.CharField(max_length=255, unique=True)
    # Temporary refusals in a row since the last rest.
    refusals = models.PositiveIntegerField(default=0)
    # How many rests there were in a row: each is twice as long as the one before.
    rests = models.PositiveSmallIntegerField(default=0)
    until_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField()
    words = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = "rest of a domain"
        verbose_name_plural = "rests of domains"

    def __str__(self) -> str:
        return self.domain


class WarmUpDay(models.Model):
    """How many letters left on one day, in the site's zone, while a new domain warms up."""

    day = models.DateField(unique=True)
    letters = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}: {self.letters}"
