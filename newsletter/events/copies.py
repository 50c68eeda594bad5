"""A mark on each copy of a digest, by which its return is told from a forged one.

The mark is the number of the delivery and a keyed code. It stands in a header of the copy, which
mail servers return with the original, and, where BOUNCE_ADDRESS is set, in the address they
return it to. Only who holds a copy can know its mark, so nobody can return another's.
"""

import base64
import re

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.crypto import constant_time_compare, salted_hmac

from newsletter.tokens import keyed_hash

HEADER = "X-Digest-Copy"
# Lower-case letters and digits, since servers may change the capitals of an address.
_TOKEN = re.compile(r"(?<![0-9a-z])(\d{1,18})-([a-z2-7]{16})(?![0-9a-z])", re.I)
# What looks like a token is checked; a mail made of thousands of such would cost time alone.
_TRIES = 100
_SALT = "newsletter.copies"
_BASE32 = b"abcdefghijklmnopqrstuvwxyz234567"
# Two characters for each ten bits.
_PAIRS = [bytes((first, second)) for first in _BASE32 for second in _BASE32]


def copy_token(delivery_id: int) -> str:
    """The mark of one delivery: the same for each attempt, without an end."""
    return f"{delivery_id}-{_code(delivery_id, settings.SECRET_KEY)}"


def find_copy(text: str) -> int | None:
    """The delivery whose genuine mark stands first in `text`; None if there is none."""
    for number, _ in zip(_TOKEN.finditer(text), range(_TRIES), strict=False):
        delivery_id, code = int(number[1]), number[2].lower()
        if any(constant_time_compare(code, _code(delivery_id, key)) for key in _keys()):
            return delivery_id
    return None


def return_path(delivery_id: int) -> str | None:
    """Where servers return this copy to: BOUNCE_ADDRESS with its mark; None if that is not set."""
    if not settings.BOUNCE_ADDRESS:
        return None
    local, _, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    return f"{local}+{copy_token(delivery_id)}@{domain}"


def mark(message: EmailMessage, delivery_id: int) -> None:
    """Put the mark on a copy before it is handed over; readers see the same sender as before."""
    message.extra_headers[HEADER] = copy_token(delivery_id)
    path = return_path(delivery_id)
    if path:
        message.extra_headers.setdefault("From", message.from_email)
        message.from_email = path


class Marks:
    """copy_token for many deliveries: the key is derived once."""

    def __init__(self) -> None:
        self._hash = keyed_hash(_SALT, settings.SECRET_KEY)

    def of(self, delivery_id: int) -> bytes:
        """The mark of one delivery, in ASCII."""
        number = b"%d" % delivery_id
        code = self._hash(number)
        high, low = int.from_bytes(code[:5]), int.from_bytes(code[5:10])
        pairs = _PAIRS
        return b"%b-%b%b%b%b%b%b%b%b" % (
            number,
            pairs[high >> 30],
            pairs[high >> 20 & 1023],
            pairs[high >> 10 & 1023],
            pairs[high & 1023],
            pairs[low >> 30],
            pairs[low >> 20 & 1023],
            pairs[low >> 10 & 1023],
            pairs[low & 1023],
        )


def _keys() -> list[str | bytes]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _code(delivery_id: int, key: str | bytes) -> str:
    mac = salted_hmac(_SALT, str(delivery_id), secret=key, algorithm="sha256")
    return base64.b32encode(mac.digest()[:10]).decode().lower()
