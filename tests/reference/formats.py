# SPDX-License-Identifier: Apache-2.0
"""The stored formats of a card: packed PAN, id, token, envelope, fingerprint; docs/data-format.md,
"Formats".
"""

import datetime
import struct

import kdf
from primitives import BlockCipher, Mac, equal
from siv import Siv

EPOCH = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
ENVELOPE_FORMAT = 2
TOKEN_CONSTANT = 0x4A54
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


# -- packed PAN


def pack_pan(pan):
    """Two digits in each byte; an odd count ends with nibble F."""
    return bytes.fromhex(pan + "f" * (len(pan) % 2))


def unpack_pan(packed):
    """The digits, or None: 12 to 19 of them, nothing else but one last F."""
    text = packed.hex()
    if text.endswith("f"):
        text = text[:-1]
    good = 12 <= len(text) <= 19 and text.isdecimal() and (len(text) + 1) // 2 == len(packed)
    return text if good else None


# -- id


def make_id(ms, node, count):
    return ms << 22 | node << 14 | count


def split_id(number):
    """Milliseconds since 2020, node number, count."""
    return number >> 22, number >> 14 & 0xFF, number & 0x3FFF


def id_time(number):
    return EPOCH + datetime.timedelta(milliseconds=number >> 22)


def id_bytes(number):
    return struct.pack(">Q", number)


# -- token


class TokenKey:
    """Tokens of one field: one AES-256 block that holds the id."""

    def __init__(self, service_root, field):
        self._field = field
        self._cipher = BlockCipher(
            kdf.from_service_root(service_root, "token", kdf.field_context(field))
        )

    def token(self, number, bucket=0):
        return self._cipher.encrypt(
            struct.pack(">QIHH", number, self._field, bucket, TOKEN_CONSTANT)
        )

    def id(self, token):
        """The id, or None: no token of this field."""
        plain = self._cipher.decrypt(token)
        number = struct.unpack(">Q", plain[:8])[0]
        return (
            number
            if equal(plain[8:], struct.pack(">IHH", self._field, 0, TOKEN_CONSTANT))
            and 0 < number < 1 << 63
            else None
        )


def token_text(token):
    """`jtk_` and 26 characters; the last two bits are zero."""
    value = int.from_bytes(token, "big") << 2
    return "jtk_" + "".join(CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def token_from_text(text):
    """The 16 bytes, or None when the text is not exactly what token_text() writes."""
    digits = text[4:]
    if len(text) != 30 or not text.startswith("jtk_") or any(c not in CROCKFORD for c in digits):
        return None
    value = 0
    for c in digits:
        value = value << 5 | CROCKFORD.index(c)
    return None if value & 3 else (value >> 2).to_bytes(16, "big")


# -- envelope and fingerprint


def header(key_id, bucket, field, generation):
    return struct.pack(">BBHIQ", ENVELOPE_FORMAT, key_id, bucket, field, generation)


class HeldKeys:
    """The key of one field in one generation, for envelopes that applications keep."""

    def __init__(self, generation_key, generation, key_id, field):
        context = kdf.field_context(field)
        self._siv = Siv(kdf.from_generation_key(generation_key, "field-siv", context))
        self._header = header(key_id, 0, field, generation)
        self._key_id = key_id

    def seal(self, value, row_id):
        """The envelope of a value in the row of these bytes."""
        return bytes([self._key_id]) + self._siv.seal([self._header, row_id], value)

    def open(self, envelope, row_id):
        """The value, or None."""
        if len(envelope) < 1 or envelope[0] != self._key_id:
            return None
        return self._siv.open([self._header, row_id], envelope[1:])


class CardKeys:
    """The two keys of one field in one generation."""

    def __init__(self, generation_key, generation, key_id, field):
        context = kdf.field_context(field)
        self._siv = Siv(kdf.from_generation_key(generation_key, "field-siv", context))
        self._mac = Mac(kdf.from_generation_key(generation_key, "field-fingerprint", context))
        self._header = header(key_id, 0, field, generation)
        self._key_id = key_id

    def _components(self, number, fingerprint):
        return [self._header, id_bytes(number), fingerprint, b""]

    def fingerprint(self, packed, number, dedup):
        """16 bytes; without deduplication the id makes them unlike any other card's."""
        return self._mac(packed if dedup else packed + id_bytes(number))

    def open(self, envelope, number, fingerprint):
        """The packed PAN, or None."""
        if len(envelope) < 1 or envelope[0] != self._key_id:
            return None
        return self._siv.open(self._components(number, fingerprint), envelope[1:])

    def seal(self, packed, number, fingerprint):
        """What a keeper does; the reader never seals, its tests do."""
        return bytes([self._key_id]) + self._siv.seal(self._components(number, fingerprint), packed)
