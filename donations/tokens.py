"""Signed tokens in links to a giver's own page: in letters, and behind the page of a payment
service. They name a giver by a random key: no address, no row number."""

import base64
import binascii
import uuid
from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner

OPEN_WITHIN = timedelta(days=30)
# For a link that others keep, too: long enough to come back by.
BACK_WITHIN = timedelta(hours=1)

_LETTER, _WAY_BACK = "donations.own", "donations.own-back"


class InvalidToken(Exception):
    """The token is forged, cut short, or past its time."""


def own_token(key: uuid.UUID) -> str:
    """A token that opens a giver's own page, good for OPEN_WITHIN."""
    return _signed(key, _LETTER)


def way_back_token(key: uuid.UUID) -> str:
    """A token that opens the same page, good for BACK_WITHIN."""
    return _signed(key, _WAY_BACK)


def read_own_token(token: str) -> uuid.UUID:
    """The giver's key, from a token of either kind. Raises InvalidToken."""
    try:
        return _read(token, _LETTER, OPEN_WITHIN)
    except InvalidToken:
        return _read(token, _WAY_BACK, BACK_WITHIN)


def _signed(key: uuid.UUID, salt: str) -> str:
    text = base64.urlsafe_b64encode(key.bytes).rstrip(b"=").decode()
    return _signer(salt).sign(text)


def _read(token: str, salt: str, within: timedelta) -> uuid.UUID:
    try:
        text = _signer(salt).unsign(token, max_age=within)
        return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))
    except (BadSignature, ValueError, binascii.Error) as error:
        raise InvalidToken from error


def _signer(salt: str) -> TimestampSigner:
    # Made on use, so that a rotated SECRET_KEY with fallbacks is honoured.
    return TimestampSigner(sep=".", salt=salt)
