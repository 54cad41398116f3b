#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the worked example of docs/derivation.md, step by step; a test compares the two."""

import struct

import formats
import kdf
from primitives import BlockCipher, cmac
from siv import Siv

GENERATION_KEY = bytes(range(32))
SERVICE_ROOT = bytes(range(32, 64))
MASTER_KEY = bytes(range(64, 96))
CREATED = 1_795_334_400
GENERATION, KEY_ID, FIELD = 3, 5, 7
MS, NODE, COUNT = 217_641_600_000, 1, 2
PAN = "4111111111111111"


def derivation():
    """One derived key with all that goes into it."""
    label, _, length = kdf.FROM_GENERATION_KEY["field-fingerprint"]
    fixed = (
        label.encode("ascii") + b"\x00" + kdf.field_context(FIELD) + struct.pack(">I", 8 * length)
    )
    k0 = cmac(GENERATION_KEY, fixed)
    k1, k2 = (cmac(GENERATION_KEY, struct.pack(">I", i) + fixed + k0) for i in (1, 2))
    return [
        ("fixed input", fixed),
        ("K(0)", k0),
        ("K(1)", k1),
        ("K(2)", k2),
        ("field-fingerprint", k1 + k2),
    ]


def key_file():
    """The file of the generation key."""
    wrap = kdf.from_master_key(MASTER_KEY, "wrap")
    check = kdf.from_generation_key(GENERATION_KEY, "check")
    head = struct.pack(">8sBBBBQQ", b"JTGENKEY", 2, 1, KEY_ID, 0, GENERATION, CREATED) + check
    sealed = Siv(wrap).seal([head], GENERATION_KEY)
    return [
        ("wrap", wrap),
        ("check value", check),
        ("bytes 0 to 35", head),
        ("SIV tag", sealed[:16]),
        ("encrypted key", sealed[16:]),
    ]


def card():
    """One card: id, token, fingerprint and envelope."""
    number = formats.make_id(MS, NODE, COUNT)
    context = kdf.field_context(FIELD)
    packed = formats.pack_pan(PAN)
    fingerprint = cmac(
        kdf.from_generation_key(GENERATION_KEY, "field-fingerprint", context), packed
    )
    siv_key = kdf.from_generation_key(GENERATION_KEY, "field-siv", context)
    header = formats.header(KEY_ID, 0, FIELD, GENERATION)
    sealed = Siv(siv_key).seal([header, formats.id_bytes(number), fingerprint, b""], packed)
    token_key = kdf.from_service_root(SERVICE_ROOT, "token", context)
    block = struct.pack(">QIHH", number, FIELD, 0, formats.TOKEN_CONSTANT)
    token = BlockCipher(token_key).encrypt(block)
    return [
        ("packed PAN", packed),
        ("id", formats.id_bytes(number)),
        ("fingerprint", fingerprint),
        ("field-siv", siv_key),
        ("component 1", header),
        ("component 2", formats.id_bytes(number)),
        ("component 3", fingerprint),
        ("component 4", b""),
        ("SIV tag", sealed[:16]),
        ("ciphertext", sealed[16:]),
        ("envelope", bytes([KEY_ID]) + sealed),
        ("token key", token_key),
        ("token block", block),
        ("token", token),
    ], formats.token_text(token)


def show(name, value):
    """One value, 32 bytes on each line."""
    text = value.hex() or "(empty)"
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return f"{name:<18} " + ("\n" + " " * 19).join(lines) + "\n"


def text():
    values, token = card()
    out = show("MK", MASTER_KEY) + show("SR", SERVICE_ROOT) + show("GK", GENERATION_KEY) + "\n"
    out += "".join(show(*pair) for pair in derivation()) + "\n"
    out += "".join(show(*pair) for pair in key_file()) + "\n"
    out += "".join(show(*pair) for pair in values)
    return out + f"{'token as text':<18} {token}\n"


if __name__ == "__main__":
    print(text(), end="")
