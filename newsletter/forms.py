"""The sign-up form and what it says to those who fill it in."""

import time
import unicodedata

from django import forms
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.core.validators import validate_email

TOO_FAST_SECONDS = 1.0
STALE_SECONDS = 30 * 24 * 3600
PLACES = {"foot", "page"}
_SALT = "newsletter.form"


def form_stamp() -> str:
    """When this form was rendered, signed: a machine that answers at once gives itself away."""
    return Signer(salt=_SALT).sign(str(int(time.time() * 1000)))


def age_of(stamp: str) -> float | None:
    """Seconds since the form was rendered; None if the stamp was not made by us."""
    try:
        return time.time() - int(Signer(salt=_SALT).unsign(stamp)) / 1000
    except (BadSignature, ValueError):
        return None


def tidy_address(text: str) -> str:
    """An address as it is stored: composed Unicode, no space around it, the domain lower-case."""
    local, at, domain = unicodedata.normalize("NFC", text.strip()).rpartition("@")
    return f"{local}{at}{domain.lower()}"


class SignUpForm(forms.Form):
    """An address; a trap that people do not see; when and where the form was shown."""

    email = forms.CharField(
        max_length=254,
        error_messages={
            "required": "Please type your e-mail address.",
            "max_length": "An e-mail address has at most 254 characters. Please check yours.",
        },
    )
    website = forms.CharField(required=False)
    place = forms.CharField(required=False)
    stamp = forms.CharField(required=False)

    def clean_email(self) -> str:
        address = tidy_address(self.cleaned_data["email"])
        try:
            validate_email(address)
        except ValidationError as error:
            raise ValidationError(
                "This does not look like an e-mail address. One looks like name@example.org."
            ) from error
        return address

    def clean_place(self) -> str:
        place = self.cleaned_data["place"]
        return place if place in PLACES else "page"

    def clean_stamp(self) -> str:
        """No stamp is fine (a script may post the address alone); a hasty or old one is not."""
        stamp = self.cleaned_data["stamp"]
        if stamp:
            age = age_of(stamp)
            if age is None or age > STALE_SECONDS:
                raise ValidationError("This form was open for very long. Please press once more.")
            if age < TOO_FAST_SECONDS:
                raise ValidationError("That was very quick. Please press once more.")
        return stamp

    @property
    def is_trapped(self) -> bool:
        """Whether the field that people do not see was filled in."""
        return bool(self.data.get("website"))
