"""The sign-up form and what it says to those who fill it in."""

import time

from django import forms
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.core.validators import EmailValidator

from newsletter.subscribing import PAUSE_WEEKS

LONGEST_ADDRESS = 254
TOO_FAST_SECONDS = 1.0
STALE_SECONDS = 30 * 24 * 3600
PLACES = {"foot", "page"}
_SALT = "newsletter.form"
# Python's codec speaks IDNA 2003, which makes other letters of these: somebody else's domain.
_OTHERS_DOMAIN = set("ßς\u200c\u200d")
_validate_address = EmailValidator(allowlist=[])


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
    """An address as it is stored: no space around it, the domain in lower-case ASCII (IDNA)."""
    local, at, domain = text.strip().rpartition("@")
    return f"{local}{at}{_ascii_domain(domain.lower())}"


def _ascii_domain(domain: str) -> str:
    if _OTHERS_DOMAIN & set(domain):
        return domain
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return domain


def check_address(address: str) -> None:
    """Raise ValidationError unless a letter can be sent to this tidy address over the internet."""
    _validate_address(address)
    # Quotes would let one mailbox be written in a hundred ways, brackets hold an IP address; and
    # of the letters outside ASCII many mail servers know none before the @.
    if len(address) > LONGEST_ADDRESS or not address.isascii() or set(address) & set('"[]'):
        raise ValidationError("not an address we can write to")


class SignUpForm(forms.Form):
    """An address; a trap that people do not see; when and where the form was shown."""

    email = forms.CharField(
        max_length=LONGEST_ADDRESS,
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
            check_address(address)
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
                raise ValidationError(
                    "This form was open for very long. Please press once more.", code="stale"
                )
            if age < TOO_FAST_SECONDS:
                raise ValidationError("That was very quick. Please press once more.")
        return stamp

    @property
    def is_trapped(self) -> bool:
        """Whether the field that people do not see was filled in."""
        return bool(self.data.get("website"))


class PauseForm(forms.Form):
    """For how many weeks to pause; 0 ends a pause."""

    weeks = forms.TypedChoiceField(
        coerce=int,
        choices=[(weeks, f"{weeks} weeks") for weeks in PAUSE_WEEKS] + [(0, "no pause")],
        error_messages={
            "required": "Please choose how long to pause.",
            "invalid_choice": "Please choose one of the pauses shown.",
        },
    )
