# SPDX-License-Identifier: Apache-2.0
"""A sealed master.key, opened by a passphrase, by shares or with a token; docs/key-files.md."""

import hashlib

import kdf
from keyfiles import ENVIRONMENTS, Damaged
from primitives import equal
from siv import Siv

PASSPHRASE, SHARES, PKCS11 = 1, 2, 3
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _need(condition, why):
    if not condition:
        raise Damaged(why)


def _digest(use, data):
    return hashlib.sha256(use.encode("ascii").ljust(16, b"\x00") + data).digest()


def _split(data):
    """Header and what is sealed, and by which method."""
    _need(data[:9] == b"JTMASTER\x02" and len(data) > 20 and data[11] == 0, "not of format 2")
    _need(data[9] in ENVIRONMENTS, "unknown environment")
    method = data[10]
    _need(method in (PASSPHRASE, SHARES, PKCS11), "unknown method")
    if method == PKCS11:
        length = 20
        for _ in range(4):  # token, serial number, key, id
            _need(length < len(data), "cut off")
            length += 1 + data[length]
        length += 12 + 48
    else:
        length = 20 + (3 + 16 if method == PASSPHRASE else 2 + 8 + 32 * data[21])
    _need(len(data) == length + 48, "not of its length")
    return method, data[:length], data[length:]


def _open(wrap, header, sealed):
    key = Siv(wrap).open([header], sealed)
    _need(key is not None, "it does not open")
    _need(equal(header[12:20], kdf.from_master_key(key, "master-check")), "the check value differs")
    return header[9], key


def open_with_passphrase(data, passphrase):
    """Environment and key."""
    method, header, sealed = _split(data)
    _need(method == PASSPHRASE, "sealed in another way")
    log_n, r, p = header[20:23]
    wrap = hashlib.scrypt(
        passphrase.encode(), salt=header[23:39], n=1 << log_n, r=r, p=p, maxmem=1 << 30, dklen=64
    )
    return _open(wrap, header, sealed)


def read_share(text):
    """Set, k, place and share of a share's text."""
    text = text.strip().lower()
    _need(text.startswith("jks_"), "no share")
    letters = [ALPHABET.index(c) for c in text[4:] if c not in "- "]
    bits = 0
    for value in letters:
        bits = bits << 5 | value
    spare = 5 * len(letters) - 8 * 47
    _need(len(letters) == 76 and spare == 4 and bits & 15 == 0, "not of a share's length")
    data = (bits >> spare).to_bytes(47, "big")
    _need(data[0] == 1, "unknown version")
    _need(_digest("jeton share text", data[:43])[:4] == data[43:], "mistyped")
    return data[1:9], data[9], data[10], data[11:43]


def _times(a, b):
    """In GF(2^8) with the polynomial of AES."""
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _over(a, b):
    return next(c for c in range(256) if _times(c, b) == a)


def _join(shares):
    """The secret of {place: share}: Lagrange's polynomial at 0."""
    secret = bytearray(32)
    for x, y in shares.items():
        weight = 1
        for other in shares:
            if other != x:
                weight = _times(weight, _over(other, other ^ x))
        for i in range(32):
            secret[i] ^= _times(y[i], weight)
    return bytes(secret)


def open_with_shares(data, texts):
    """Environment and key."""
    method, header, sealed = _split(data)
    _need(method == SHARES, "sealed in another way")
    k, _ = header[20:22]
    shares = {}
    for text in texts:
        of, needs, place, share = read_share(text)
        _need(of == header[22:30] and needs == k, "of another set")
        digest = header[30 + 32 * (place - 1) :][:32]
        _need(_digest("jeton share", of + bytes([place]) + share) == digest, "never given out")
        shares[place] = share
    _need(len(shares) == k, "too few, or too many")
    secret = _join(shares)
    return _open(kdf.derive(secret, *kdf.FROM_SHARES["shares"][:1], b"", 64), header, sealed)


def read_box(data):
    """Label and serial number of the token, label and id of its key, nonce, and what is sealed."""
    method, header, _ = _split(data)
    _need(method == PKCS11, "sealed in another way")
    names, at = [], 20
    for _ in range(4):
        names.append(header[at + 1 : at + 1 + header[at]])
        at += 1 + header[at]
    return *names, header[at : at + 12], header[at + 12 :]


def open_with_secret(data, secret):
    """Environment and key, by the secret that the token gives."""
    method, header, sealed = _split(data)
    _need(method == PKCS11, "sealed in another way")
    return _open(kdf.derive(secret, *kdf.FROM_PKCS11["pkcs11"][:1], b"", 64), header, sealed)
