# SPDX-License-Identifier: Apache-2.0
"""What the reader takes from a library: the AES block, CMAC and Ed25519.

Everything else of Jeton is built from these here. They come from Debian's python3-cryptography.
Another library with the same three would do; no other file imports it.
"""

import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BLOCK = 16


class BlockCipher:
    """AES on whole blocks, each by itself: no mode, no padding."""

    def __init__(self, key):
        cipher = Cipher(AES(key), ECB())
        self._encryptor = cipher.encryptor()
        self._decryptor = cipher.decryptor()

    def encrypt(self, blocks):
        assert len(blocks) % BLOCK == 0
        return self._encryptor.update(blocks)

    def decrypt(self, blocks):
        assert len(blocks) % BLOCK == 0
        return self._decryptor.update(blocks)


class Mac:
    """CMAC (NIST SP 800-38B) with AES under one key."""

    def __init__(self, key):
        self._start = CMAC(AES(key))

    def __call__(self, message):
        mac = self._start.copy()
        mac.update(message)
        return mac.finalize()


def cmac(key, message):
    """CMAC-AES of one message; 16 bytes."""
    return Mac(key)(message)


def equal(one, other):
    """Compares in constant time."""
    return hmac.compare_digest(one, other)


def sign_public_key(seed):
    """The Ed25519 public key (RFC 8032) that belongs to a 32-byte seed."""
    return (
        Ed25519PrivateKey.from_private_bytes(seed)
        .public_key()
        .public_bytes(Encoding.Raw, PublicFormat.Raw)
    )


def sign(seed, message):
    """An Ed25519 signature; the reader never signs, its tests do."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def signature_is_good(public_key, signature, message):
    """Whether an Ed25519 signature is that of the message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
