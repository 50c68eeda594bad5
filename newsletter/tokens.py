"""Signed tokens in mailed links. They name a person by a random key: no address, no row number."""

import base64
import binascii
import uuid
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.core.signing import BadSignature, Signer, TimestampSigner

CONFIRM_WITHIN = timedelta(days=7)

# Signers are made on use, so that a rotated SECRET_KEY with fallbacks is honoured.
_SEP = "."
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_BLOCK = 64  # of SHA-256, in bytes


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
    return _passing("confirm", key)


def read_confirm_token(token: str) -> uuid.UUID:
    """The sign-up's key. Raises InvalidToken if forged or expired."""
    return _read_passing("confirm", token)


def change_token(key: uuid.UUID) -> str:
    """A token that confirms a new address, good for CONFIRM_WITHIN and more than once."""
    return _passing("change", key)


def read_change_token(token: str) -> uuid.UUID:
    """The key of the change of address. Raises InvalidToken if forged or expired."""
    return _read_passing("change", token)


def data_token(key: uuid.UUID) -> str:
    """A token that opens what we hold of one person, good for CONFIRM_WITHIN."""
    return _passing("data", key)


def read_data_token(token: str) -> uuid.UUID:
    """The key of the subscriber or sign-up. Raises InvalidToken if forged or expired."""
    return _read_passing("data", token)


def erase_token(key: uuid.UUID) -> str:
    """A token that erases one person, good for CONFIRM_WITHIN."""
    return _passing("erase", key)


def read_erase_token(token: str) -> uuid.UUID:
    """The key of the subscriber or sign-up. Raises InvalidToken if forged or expired."""
    return _read_passing("erase", token)


def _passing(purpose: str, key: uuid.UUID) -> str:
    return TimestampSigner(sep=_SEP, salt=f"newsletter.{purpose}").sign(_encode(key))


def _read_passing(purpose: str, token: str) -> uuid.UUID:
    signer = TimestampSigner(sep=_SEP, salt=f"newsletter.{purpose}")
    try:
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


class ReaderTokens:
    """leave_token and preferences_token for many readers: the keys are derived once.

    Made anew for each batch, so that a rotated SECRET_KEY is honoured.
    """

    def __init__(self) -> None:
        self._leave = keyed_hash("newsletter.leave.digestsigner", settings.SECRET_KEY)
        self._preferences = keyed_hash("newsletter.preferencessigner", settings.SECRET_KEY)

    def both(self, key: uuid.UUID) -> tuple[bytes, bytes]:
        """The two tokens of one subscriber, in ASCII: to leave, and to the preferences."""
        encode, url_safe = binascii.b2a_base64, _URL_SAFE
        name = encode(key.bytes).translate(url_safe)[:22]
        leave = encode(self._leave(name)).translate(url_safe)[:43]
        preferences = encode(self._preferences(name)).translate(url_safe)[:43]
        return name + b"." + leave, name + b"." + preferences


def keyed_hash(salt: str, secret: str | bytes) -> Callable[[bytes], bytes]:
    """The digest of Django's `salted_hmac` with SHA-256, its key derived and padded once."""
    secret = secret.encode() if isinstance(secret, str) else secret
    key = sha256(salt.encode() + secret).digest().ljust(_BLOCK, b"\0")
    # RFC 2104: the two states after the padded key are the same for every value.
    inner = sha256(bytes(byte ^ 0x36 for byte in key)).copy
    outer = sha256(bytes(byte ^ 0x5C for byte in key)).copy

    def digest(value: bytes) -> bytes:
        inside, outside = inner(), outer()
        inside.update(value)
        outside.update(inside.digest())
        return outside.digest()

    return digest
