"""Signed tokens in mailed links. They name a giver by a random key: no address, no row number."""

import base64
import binascii
import uuid
from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner

OPEN_WITHIN = timedelta(days=30)


class InvalidToken(Exception):
    """The token is forged, cut short, or past its time."""


def own_token(key: uuid.UUID) -> str:
    """A token that opens a giver's own page, good for OPEN_WITHIN."""
    text = base64.urlsafe_b64encode(key.bytes).rstrip(b"=").decode()
    return _signer().sign(text)


def read_own_token(token: str) -> uuid.UUID:
    """The giver's key. Raises InvalidToken."""
    try:
        text = _signer().unsign(token, max_age=OPEN_WITHIN)
        return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))
    except (BadSignature, ValueError, binascii.Error) as error:
        raise InvalidToken from error


def _signer() -> TimestampSigner:
    # Made on use, so that a rotated SECRET_KEY with fallbacks is honoured.
    return TimestampSigner(sep=".", salt="donations.own")
