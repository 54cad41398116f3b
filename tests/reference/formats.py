# SPDX-License-Identifier: Apache-2.0
"""The stored formats of a card: packed PAN, id, tokens, envelope, fingerprint; docs/data-format.md,
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
    """`jtk_` and 26 characters, of which the last two bits are zero; or the digits of a numeric
    one.
    """
    if token == numeric_token(token[: min(token[15], 15)]) and unpack_pan(token[: token[15]]):
        return unpack_pan(token[: token[15]])
    value = int.from_bytes(token, "big") << 2
    return "jtk_" + "".join(CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def token_from_text(text):
    """The 16 bytes, or None when the text is not exactly what token_text() writes."""
    if text.isdecimal() and 12 <= len(text) <= 19:
        return numeric_token(pack_pan(text))
    digits = text[4:]
    if len(text) != 30 or not text.startswith("jtk_") or any(c not in CROCKFORD for c in digits):
        return None
    value = 0
    for c in digits:
        value = value << 5 | CROCKFORD.index(c)
    return None if value & 3 else (value >> 2).to_bytes(16, "big")


# -- numeric token


class NumericForm:
    """What the tokens of a field keep, from the byte in its row."""

    LEADING = {1: 0, 2: 6, 3: 8}

    def __init__(self, code):
        self.good = code & ~31 == 0 and code & 3 in self.LEADING
        self.leading = self.LEADING.get(code & 3, 0)
        self.last = 4 if code & 4 else 0
        self.luhn_valid = code & 8 != 0

    def kept(self, digits):
        return digits[: self.leading], digits[len(digits) - self.last :]

    def wrong(self, token, pan):
        """Why these digits cannot be the token of this card number, or None."""
        if len(token) != len(pan) or self.kept(token) != self.kept(pan):
            return "its token does not keep the digits that it should"
        if self.leading == 0 and token[0] != "9":
            return "its token does not begin with 9"
        if luhn_good(token) != self.luhn_valid:
            return "the check digit of its token is not as it should be"
        return "its token is the card number" if token == pan else None


def luhn_good(digits):
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def numeric_token(packed):
    """The 16 bytes in which the reader speaks of a numeric token: packed digits, zeroes, length."""
    return packed + bytes(15 - len(packed)) + bytes([len(packed)])


class NumericKey:
    """By what the numeric tokens of one field are found."""

    def __init__(self, service_root, field, form):
        self._mac = Mac(kdf.from_service_root(service_root, "numeric", kdf.field_context(field)))
        self._form = form

    def tok(self, digits):
        leading, last = self._form.kept(digits)
        of_kept = self._mac(bytes([1, len(digits)]) + (leading + last).encode("ascii"))
        return of_kept[:6] + self._mac(b"\x02" + pack_pan(digits))[:10]


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

    def _components(self, number, fingerprint, digits):
        return [self._header, id_bytes(number), fingerprint, digits]

    def fingerprint(self, packed, number, dedup):
        """16 bytes; without deduplication the id makes them unlike any other card's."""
        return self._mac(packed if dedup else packed + id_bytes(number))

    def open(self, envelope, number, fingerprint, digits=b""):
        """The packed PAN, or None; `digits` are those of the numeric token, packed."""
        if len(envelope) < 1 or envelope[0] != self._key_id:
            return None
        return self._siv.open(self._components(number, fingerprint, digits), envelope[1:])

    def seal(self, packed, number, fingerprint, digits=b""):
        """What a keeper does; the reader never seals, its tests do."""
        components = self._components(number, fingerprint, digits)
        return bytes([self._key_id]) + self._siv.seal(components, packed)
