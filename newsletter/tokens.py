"""Signed tokens in mailed links. They name a person by a random key: no address, no row number."""

import base64
import binascii
import uuid
from datetime import timedelta

from django.core.signing import BadSignature, Signer, TimestampSigner

CONFIRM_WITHIN = timedelta(days=7)

# Signers are made on use, so that a rotated SECRET_KEY with fallbacks is honoured.
_SEP = "."


class InvalidToken(Exception):
    """The token is forged, cut short, or past its time."""


def _encode(key: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(key.bytes).rstrip(b"=").decode()


def _decode(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))
    except (ValueError, binascii.Error) as error:
        raise InvalidToken from error


def confirm_token(key: uuid.UUID) -> str:
    """A token that confirms a sign-up, good for CONFIRM_WITHIN and more than once."""
    return TimestampSigner(sep=_SEP, salt="newsletter.confirm").sign(_encode(key))


def read_confirm_token(token: str) -> uuid.UUID:
    """The sign-up's key. Raises InvalidToken if forged or expired."""
    try:
        signer = TimestampSigner(sep=_SEP, salt="newsletter.confirm")
        return _decode(signer.unsign(token, max_age=CONFIRM_WITHIN))
    except BadSignature as error:
        raise InvalidToken from error


def leave_token(key: uuid.UUID) -> str:
    """A token that unsubscribes one subscriber from the digest. It never expires."""
    return _reader_signer("leave.digest").sign(_encode(key))


def read_leave_token(token: str) -> uuid.UUID:
    """The subscriber's key. Raises InvalidToken if forged."""
    return _read(_reader_signer("leave.digest"), token)


def preferences_token(key: uuid.UUID) -> str:
    """A token that opens one subscriber's preferences. It never expires."""
    return _reader_signer("preferences").sign(_encode(key))


def read_preferences_token(token: str) -> uuid.UUID:
    """The subscriber's key. Raises InvalidToken if forged."""
    return _read(_reader_signer("preferences"), token)


def _reader_signer(purpose: str) -> Signer:
    return Signer(sep=_SEP, salt=f"newsletter.{purpose}")


def _read(signer: Signer, token: str) -> uuid.UUID:
    try:
        return _decode(signer.unsign(token))
    except BadSignature as error:
        raise InvalidToken from error
