"""Addresses that wait for their owners."""

import uuid

from django.db import models
from django.db.models.functions import Lower

from newsletter.models.subscribers import Subscriber


class SignUp(models.Model):
    """An address that somebody typed in, before its owner has confirmed it."""

    email = models.EmailField(max_length=254)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    form = models.CharField(max_length=20)
    text_version = models.CharField(max_length=20)
    asked_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at"]
        verbose_name = "sign-up"
        constraints = [models.UniqueConstraint(Lower("email"), name="one_sign_up_per_address")]
        indexes = [models.Index(fields=["asked_at"], name="sign_ups_by_time")]

    def __str__(self) -> str:
        return self.email


class AddressChange(models.Model):
    """A new address that a subscriber typed in, until its owner confirms it or it is forgotten."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="changes")
    email = models.EmailField(max_length=254)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return self.email
