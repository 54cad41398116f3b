#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints frozen.txt: what Jeton's key hierarchy and formats give for fixed keys.

No standard publishes vectors for these, so they come from this second implementation, written from
the description of the formats (docs/data-format.md, keys/README.md) and NIST SP 800-108r1 section
4.1, over python3-cryptography's CMAC, AES-SIV and AES; it shares no code with src/. Once data is
stored under a label or a format, its answer here may never change: a difference means that the
program no longer reads what it wrote.
"""

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY = bytes(range(32))
FIELD = 7
GENERATION = 0x0102030405060708
KEY_ID = 0xA5

# role, label, context, length of the derived key in bytes
ROLES = [
    ("wrap", "jeton/v1/wrap", b"", 64),
    ("join", "jeton/v1/join", b"", 64),
    ("escrow", "jeton/v1/escrow", b"", 64),
    ("shares", "jeton/v1/shares", b"", 64),
    ("pkcs11", "jeton/v1/pkcs11", b"", 64),
    ("parcel", "jeton/v1/parcel", b"", 64),
    ("parcel-siv", "jeton/v1/parcel-siv", b"", 64),
    ("mac-client", "jeton/v1/mac/client", b"", 32),
    ("mac-field", "jeton/v1/mac/field", b"", 32),
    ("mac-state", "jeton/v1/mac/state", b"", 32),
    ("mac-audit", "jeton/v1/mac/audit", b"", 32),
    ("mac-once", "jeton/v1/mac/idempotency", b"", 32),
    ("mac-guess", "jeton/v1/mac/guess", b"", 32),
    ("honey", "jeton/v1/honey", b"", 64),
    ("sign", "jeton/v1/sign", b"", 32),
    ("master-check", "jeton/v1/master-check", b"", 8),
    ("token", "jeton/v1/token", struct.pack(">I", FIELD), 32),
    ("numeric", "jeton/v1/numeric", struct.pack(">I", FIELD), 32),
    ("root-check", "jeton/v1/root-check", b"", 8),
    ("field-siv", "jeton/v1/field-siv", struct.pack(">I", FIELD), 64),
    ("field-fingerprint", "jeton/v1/field-fingerprint", struct.pack(">I", FIELD), 32),
    ("ack", "jeton/v1/ack", b"", 32),
    ("check", "jeton/v1/check", b"", 8),
]

# id, plaintext: a test PAN packed (16 and 13 digits), one byte, more than two blocks
ENVELOPES = [
    (1, bytes.fromhex("4111111111111111")),
    (0x0123456789ABCDEF, bytes.fromhex("4222222222222f")),
    (2**63 - 1, b"\x00"),
    (0x00000A0B0C0D0E0F, bytes(range(41))),
]

# packed card number, packed digits of its token, kept leading and last digits
NUMERIC = [
    ("4111111111111111", "4111118264091111", 6, 4),
    ("4222222222222f", "9071538264091f", 0, 0),
]


def tok(key, packed, leading, last):
    """How a numeric token is found."""
    digits = packed.rstrip("f")
    kept = digits[:leading] + digits[len(digits) - last :]
    of_class = cmac(key, bytes([1, len(digits)]) + kept.encode())
    return of_class[:6] + cmac(key, b"\x02" + bytes.fromhex(packed))[:10]


def cmac(key, message):
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


def derive(key, label, context, length):
    fixed = label.encode() + b"\x00" + context + struct.pack(">I", 8 * length)
    k0 = cmac(key, fixed)
    out = b""
    i = 1
    while len(out) < length:
        out += cmac(key, struct.pack(">I", i) + fixed + k0)
        i += 1
    return out[:length]


def public(private):
    return (
        X25519PrivateKey.from_private_bytes(private)
        .public_key()
        .public_bytes(Encoding.Raw, PublicFormat.Raw)
    )


def parcel(base, generation, key_id):
    """A request of one keeper, and the parcel of another that answers it."""
    asker, answerer, key = bytes(range(64, 96)), bytes(range(96, 128)), bytes(range(128, 160))
    head = bytes([1, 1]) + struct.pack(">QB", generation, key_id) + bytes(range(8))
    head += struct.pack(">Q", 1763712000)
    body = bytes([1, 1, 5]) + b"node2" + bytes(range(16)) + struct.pack(">Q", generation)
    body += (bytes(range(8)) if generation else bytes(8)) + bytes(range(8, 16))
    body += bytes(range(16, 32)) + public(asker)
    request = body + cmac(base[:32], bytes([21]) + body)
    shared = X25519PrivateKey.from_private_bytes(asker).exchange(
        X25519PublicKey.from_public_bytes(public(answerer))
    )
    said = struct.pack(">I", 1) + shared + base[32:] + request + head + public(answerer)
    seal = derive(hashlib.sha256(said).digest(), "jeton/v1/parcel-siv", b"", 64)
    sealed = AESSIV(seal).encrypt(key, [head])
    show(
        base=base,
        private=asker,
        request=request,
        parcel=head + public(answerer) + sealed,
        sealedkey=key,
    )


def escrow(key):
    """An escrow file of two generations and the marks of two nodes."""
    root, keys = bytes(range(32, 64)), [bytes(range(64, 96)), bytes(range(96, 128))]
    clear = b"JTESCROW" + struct.pack(">BBHQ", 1, 1, 2, 1763712000)
    clear += derive(key, "jeton/v1/master-check", b"", 8)
    clear += derive(root, "jeton/v1/root-check", b"", 8) + struct.pack(">Q", 9)
    for i, generation in enumerate(keys):
        clear += struct.pack(">QBB", 7 + i, 11 + i, 1 - i)
        clear += derive(generation, "jeton/v1/check", b"", 8)
    inside = struct.pack(">Q", 1763711000) + root
    for i, generation in enumerate(keys):
        inside += struct.pack(">Q", 1763711001 + i) + generation
    inside += struct.pack(">QQ16sQ16sQ", 8, 3, bytes(range(16)), 4, bytes(range(16, 32)), 2)
    inside += struct.pack(">QQI", 5, 6, 7) + struct.pack(">BBQBQ", 2, 1, 77, 255, 88)
    sealed = AESSIV(derive(key, "jeton/v1/escrow", b"", 64)).encrypt(inside, [clear])
    show(master=key, escrow=clear + sealed, root=root, first=keys[0], second=keys[1])


def show(**values):
    for name, value in values.items():
        print(f"{name} = {value.hex()}".rstrip())


def main():
    print("# What Jeton derives and stores for fixed keys; may never change once data is stored.")
    print(
        "# Provenance: printed by make_frozen.py beside this file, a second implementation over "
        "python3-cryptography."
    )
    print(
        '# Format: blocks of "name = hexadecimal"; a block has "role" (its label), "row" (an '
        'envelope; of a numeric token with "digits"), "token", "tok", "parcel" or "escrow".'
    )
    for role, label, context, length in ROLES:
        print(f"\n# {role}")
        show(key=KEY, role=label.encode(), context=context, out=derive(KEY, label, context, length))
    siv = AESSIV(derive(KEY, "jeton/v1/field-siv", struct.pack(">I", FIELD), 64))
    fingerprint_key = derive(KEY, "jeton/v1/field-fingerprint", struct.pack(">I", FIELD), 32)
    header = struct.pack(">BBHIQ", 2, KEY_ID, 0, FIELD, GENERATION)
    for row_id, plain in ENVELOPES:
        print(
            f"\n# envelope, format 2: field {FIELD}, generation {GENERATION:#018x}, key id "
            f"{KEY_ID:#04x}"
        )
        row = struct.pack(">Q", row_id)
        fingerprint = cmac(fingerprint_key, plain)
        envelope = bytes([KEY_ID]) + siv.encrypt(plain, [header, row, fingerprint, b""])
        linked = cmac(fingerprint_key, plain + row)
        show(
            key=KEY, row=row, plain=plain, envelope=envelope, fingerprint=fingerprint, linked=linked
        )
    numeric_key = derive(KEY, "jeton/v1/numeric", struct.pack(">I", FIELD), 32)
    for pan, token, leading, last in NUMERIC:
        print(
            f"\n# the same of a numeric token that keeps {leading} and {last} digits, and its tok"
        )
        row, plain, digits = struct.pack(">Q", 9), bytes.fromhex(pan), bytes.fromhex(token)
        fingerprint = cmac(fingerprint_key, plain)
        envelope = bytes([KEY_ID]) + siv.encrypt(plain, [header, row, fingerprint, digits])
        show(
            key=KEY,
            row=row,
            plain=plain,
            digits=digits,
            envelope=envelope,
            fingerprint=fingerprint,
            linked=cmac(fingerprint_key, plain + row),
            kept=bytes([leading, last]),
            tok=tok(numeric_key, token, leading, last),
        )
    cipher = Cipher(AES(derive(KEY, "jeton/v1/token", struct.pack(">I", FIELD), 32)), modes.ECB())
    for row_id, _ in ENVELOPES:
        print(f"\n# token: field {FIELD}")
        block = struct.pack(">QIHH", row_id, FIELD, 0, 0x4A54)
        show(key=KEY, id=struct.pack(">Q", row_id), token=cipher.encryptor().update(block))
    print("\n# a request for the key of generation 7, and the parcel that answers it")
    parcel(derive(KEY, "jeton/v1/parcel", b"", 64), 7, 11)
    print("\n# the same for the service root")
    parcel(derive(KEY, "jeton/v1/join", b"", 64), 0, 0)
    print("\n# an escrow file")
    escrow(KEY)


main()
