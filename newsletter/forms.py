"""The forms of readers and what they say to those who fill them in."""

import time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.core.validators import EmailValidator

from newsletter import offering
from newsletter.choosing import Preferences, preferences_of
from newsletter.models import Cadence, Depth, Letter, Subscriber
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


class AddressForm(forms.Form):
    """An address that a letter can be sent to."""

    email = forms.CharField(
        max_length=LONGEST_ADDRESS,
        error_messages={
            "required": "Please type your e-mail address.",
            "max_length": "An e-mail address has at most 254 characters. Please check yours.",
        },
    )

    def clean_email(self) -> str:
        address = tidy_address(self.cleaned_data["email"])
        try:
            check_address(address)
        except ValidationError as error:
            raise ValidationError(
                "This does not look like an e-mail address. One looks like name@example.org."
            ) from error
        return address


class SignUpForm(AddressForm):
    """An address; a trap that people do not see; when and where the form was shown."""

    website = forms.CharField(required=False)
    place = forms.CharField(required=False)
    stamp = forms.CharField(required=False)

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


class OwnDataForm(SignUpForm):
    """An address, and whether its owner wants to see what we hold of it or have it erased."""

    WISHES = {
        Letter.Kind.DATA.value: "See all that you hold of it",
        Letter.Kind.ERASE.value: "Erase all that you hold of it",
    }

    want = forms.ChoiceField(
        choices=list(WISHES.items()),
        error_messages={
            "required": "Please choose what we shall do.",
            "invalid_choice": "Please choose what we shall do.",
        },
    )


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


def _whole_number(text: str) -> int | None:
    return int(text) if text else None


class PreferencesForm(forms.Form):
    """All that a reader chooses at once."""

    cadence = forms.ChoiceField(
        label="How often",
        widget=forms.RadioSelect,
        error_messages={
            "required": "Please choose how often it comes.",
            "invalid_choice": "Please choose one of the rhythms shown.",
        },
    )
    depth = forms.ChoiceField(
        label="How much of each article",
        choices=Depth,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Please choose how much of each article you get.",
            "invalid_choice": "Please choose one of the lengths shown.",
        },
    )
    max_items = forms.TypedChoiceField(
        label="Articles at most",
        required=False,
        coerce=_whole_number,
        empty_value=None,
        choices=[("", "no limit")]
        + [
            (str(n), f"{n} article{'s' if n > 1 else ''}")
            for n in range(1, offering.MOST_ARTICLES + 1)
        ],
        error_messages={"invalid_choice": "Please choose a number from 1 to 20, or no limit."},
    )
    text_only = forms.BooleanField(label="Plain text, without any layout", required=False)
    topics = forms.TypedMultipleChoiceField(
        label="Topics",
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": "One of these topics is gone. Please look them through.",
            "invalid_list": "Please tick the topics that you want.",
        },
    )
    hour = forms.TypedChoiceField(
        label="Time of day",
        required=False,
        coerce=_whole_number,
        empty_value=None,
        choices=[("", "when it is ready")] + [(str(n), f"{n:02}:00") for n in range(24)],
        error_messages={"invalid_choice": "Please choose one of the hours shown."},
    )
    zone = forms.ChoiceField(
        label="Time zone",
        required=False,
        error_messages={"invalid_choice": "Please choose one of the time zones shown."},
    )

    def __init__(
        self, data: Any, *, reader: Subscriber, limit: Cadence, topics: list[tuple[int, str]]
    ) -> None:
        kept = preferences_of(reader)
        self._kept, self._limit = kept, limit
        initial = {
            **vars(kept),
            "cadence": offering.in_effect(kept.cadence, limit),
            "topics": sorted(kept.topics),
        }
        super().__init__(data, initial=initial)
        fields: Any = self.fields
        fields["cadence"].choices = [(one.value, one.label) for one in offering.cadences(limit)]
        fields["topics"].choices = topics
        fields["zone"].choices = offering.with_zone(kept.zone)

    def clean_cadence(self) -> Cadence:
        """What is in effect stays what was once wished for, should the site allow it again."""
        chosen = Cadence(self.cleaned_data["cadence"])
        unchanged = chosen == offering.in_effect(self._kept.cadence, self._limit)
        return self._kept.cadence if unchanged else chosen

    def wanted(self) -> Preferences:
        """What was chosen in this valid form."""
        said = self.cleaned_data
        return Preferences(
            **{
                **said,
                "depth": Depth(said["depth"]),
                "topics": frozenset(said["topics"]),
            }
        )
