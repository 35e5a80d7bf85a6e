"""Seal bytes so that only the holders of a private key can read them (D12).

A fresh AES-256-GCM data key seals the text; a key agreed by X25519 between a throw-away key and the
recipient's public key, derived by HKDF-SHA256, wraps the data key. Who seals cannot unseal. The
context is authenticated with both, so that a seal moved to another place does not open there.

Format: `v1.<key id>.<base64url>` of throw-away public key, wrapped data key, nonce, text.
No Django and no settings here: keys are arguments.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tradeops.domain.errors import ErrorCode, TradeOpsError

_VERSION = "v1"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_WRAPPED_BYTES = _KEY_BYTES + _TAG_BYTES
_SHORTEST = _KEY_BYTES + _WRAPPED_BYTES + _NONCE_BYTES + _TAG_BYTES
# The wrapping key is derived anew for each seal and used once, so its nonce may be constant.
_WRAP_NONCE = bytes(_NONCE_BYTES)


class SealFault(StrEnum):
    """What is wrong with a seal or a key."""

    KEY_MALFORMED = "KEY_MALFORMED"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    SEAL_MALFORMED = "SEAL_MALFORMED"
    SEAL_BROKEN = "SEAL_BROKEN"


class SealError(TradeOpsError):
    """The secret cannot be sealed or read; `fault` says why, never with key material."""

    def __init__(self, fault: SealFault, detail: str) -> None:
        super().__init__(ErrorCode.ACCOUNT_UNAVAILABLE, detail, details={"fault": fault})
        self.fault = fault


def generate_keypair() -> tuple[str, str]:
    """Make a key pair; returns (public, private), each `<key id>:<base64url of 32 bytes>`."""
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    key_id = hashlib.sha256(public).hexdigest()[:8]
    return f"{key_id}:{_encode(public)}", f"{key_id}:{_encode(private.private_bytes_raw())}"


def seal(plaintext: bytes, *, public_key: str, context: str) -> str:
    """Seal `plaintext` for the holder of the private half of `public_key`.

    `context` says where the secret belongs; `unseal` needs the same one.

    Raises:
        SealError: KEY_MALFORMED.
    """
    key_id, recipient_raw = _key(public_key)
    recipient = X25519PublicKey.from_public_bytes(recipient_raw)
    sender = X25519PrivateKey.generate()
    sender_raw = sender.public_key().public_bytes_raw()
    bound = _bound(key_id, context)
    wrapping = _wrapping_key(sender, recipient, sender_raw, recipient_raw)
    data_key = AESGCM.generate_key(bit_length=256)
    wrapped = AESGCM(wrapping).encrypt(_WRAP_NONCE, data_key, bound)
    nonce = os.urandom(_NONCE_BYTES)
    text = AESGCM(data_key).encrypt(nonce, plaintext, bound)
    return f"{_VERSION}.{key_id}.{_encode(sender_raw + wrapped + nonce + text)}"


def unseal(sealed: str, *, private_keys: Sequence[str], context: str) -> bytes:
    """Read a seal with whichever of `private_keys` it was made for.

    Raises:
        SealError: KEY_MALFORMED, KEY_UNKNOWN (none of the keys fits), SEAL_MALFORMED, or
            SEAL_BROKEN (changed, or sealed for another context).
    """
    key_id, body = _parts(sealed)
    private_raw = dict(_key(key) for key in private_keys).get(key_id)
    if private_raw is None:
        raise SealError(
            SealFault.KEY_UNKNOWN, f"Key {key_id} is not among the private keys of this process."
        )
    sender_raw = body[:_KEY_BYTES]
    wrapped = body[_KEY_BYTES : _KEY_BYTES + _WRAPPED_BYTES]
    rest = body[_KEY_BYTES + _WRAPPED_BYTES :]
    private = X25519PrivateKey.from_private_bytes(private_raw)
    sender = X25519PublicKey.from_public_bytes(sender_raw)
    own_raw = private.public_key().public_bytes_raw()
    bound = _bound(key_id, context)
    try:
        wrapping = _wrapping_key(private, sender, sender_raw, own_raw)
        data_key = AESGCM(wrapping).decrypt(_WRAP_NONCE, wrapped, bound)
        return AESGCM(data_key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise SealError(
            SealFault.SEAL_BROKEN, "The sealed secret was changed or belongs elsewhere."
        ) from error


def key_id_of(text: str) -> str:
    """Key id of a public key, a private key or a seal.

    Raises:
        SealError: KEY_MALFORMED or SEAL_MALFORMED.
    """
    return _key(text)[0] if ":" in text else _parts(text)[0]


def _wrapping_key(
    own: X25519PrivateKey, other: X25519PublicKey, sender_raw: bytes, recipient_raw: bytes
) -> bytes:
    shared = own.exchange(other)
    hkdf = HKDF(
        algorithm=SHA256(),
        length=_KEY_BYTES,
        salt=sender_raw + recipient_raw,
        info=b"tradeops seal",
    )
    return hkdf.derive(shared)


def _bound(key_id: str, context: str) -> bytes:
    return f"{_VERSION}|{key_id}|{context}".encode()


def _key(text: str) -> tuple[str, bytes]:
    key_id, separator, encoded = text.partition(":")
    raw = _decode(encoded)
    if not separator or not key_id or raw is None or len(raw) != _KEY_BYTES:
        raise SealError(
            SealFault.KEY_MALFORMED, "A seal key must read <key id>:<base64url of 32 bytes>."
        )
    return key_id, raw


def _parts(sealed: str) -> tuple[str, bytes]:
    version, _, tail = sealed.partition(".")
    key_id, _, encoded = tail.partition(".")
    body = _decode(encoded)
    if version != _VERSION or not key_id or body is None or len(body) < _SHORTEST:
        raise SealError(
            SealFault.SEAL_MALFORMED, "The stored secret is not a seal of this version."
        )
    return key_id, body


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
