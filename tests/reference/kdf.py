# SPDX-License-Identifier: Apache-2.0
"""How every key is derived: NIST SP 800-108r1 in counter mode, and the list of labels;
docs/derivation.md.
"""

import struct

from primitives import Mac

# role: label, length of the context, length of the derived key, in bytes
FROM_MASTER_KEY = {
    "wrap": ("jeton/v1/wrap", 0, 64),
    "join": ("jeton/v1/join", 0, 64),
    "escrow": ("jeton/v1/escrow", 0, 64),
    "master-check": ("jeton/v1/master-check", 0, 8),
}
FROM_SHARES = {
    "shares": ("jeton/v1/shares", 0, 64),
}
FROM_PKCS11 = {
    "pkcs11": ("jeton/v1/pkcs11", 0, 64),
}
FROM_SERVICE_ROOT = {
    "mac-client": ("jeton/v1/mac/client", 0, 32),
    "mac-field": ("jeton/v1/mac/field", 0, 32),
    "mac-state": ("jeton/v1/mac/state", 0, 32),
    "mac-audit": ("jeton/v1/mac/audit", 0, 32),
    "mac-once": ("jeton/v1/mac/idempotency", 0, 32),
    "mac-guess": ("jeton/v1/mac/guess", 0, 32),
    "honey": ("jeton/v1/honey", 0, 64),
    "parcel": ("jeton/v1/parcel", 0, 64),
    "sign": ("jeton/v1/sign", 0, 32),
    "token": ("jeton/v1/token", 4, 32),
    "numeric": ("jeton/v1/numeric", 4, 32),
    "root-check": ("jeton/v1/root-check", 0, 8),
}
FROM_GENERATION_KEY = {
    "field-siv": ("jeton/v1/field-siv", 4, 64),
    "field-fingerprint": ("jeton/v1/field-fingerprint", 4, 32),
    "ack": ("jeton/v1/ack", 0, 32),
    "check": ("jeton/v1/check", 0, 8),
}


def derive_fixed(key, fixed, length):
    """`length` bytes from the fixed input, with K(0) of SP 800-108r1 section 6.7."""
    mac = Mac(key)
    k0 = mac(fixed)
    out = b""
    i = 0
    while len(out) < length:
        i += 1
        out += mac(struct.pack(">I", i) + fixed + k0)
    return out[:length]


def derive(key, label, context, length):
    """The key for one purpose: the label says which, the context for which field."""
    return derive_fixed(
        key, label.encode("ascii") + b"\x00" + context + struct.pack(">I", 8 * length), length
    )


def _derive_role(table, key, role, context):
    label, context_len, length = table[role]
    assert len(context) == context_len
    return derive(key, label, context, length)


def from_master_key(key, role):
    return _derive_role(FROM_MASTER_KEY, key, role, b"")


def from_service_root(key, role, context=b""):
    return _derive_role(FROM_SERVICE_ROOT, key, role, context)


def from_generation_key(key, role, context=b""):
    return _derive_role(FROM_GENERATION_KEY, key, role, context)


def field_context(field):
    """The context where a label is for one field: its id."""
    return struct.pack(">I", field)
