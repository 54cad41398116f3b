# SPDX-License-Identifier: Apache-2.0
"""AES-SIV, CMAC, the KDF and Ed25519 against the vectors of their standards."""

import pytest

import kdf
from primitives import cmac, sign_public_key, signature_is_good
from siv import Siv
from tree import blocks


@pytest.mark.parametrize("block", blocks("cmac_sp800_38b.txt"))
def test_cmac(block):
    case = dict(block)
    assert cmac(case["key"], case["message"]) == case["mac"]


@pytest.mark.parametrize("block", blocks("siv_rfc5297.txt") + blocks("siv_openssl.txt"))
def test_siv(block):
    case = dict(block)
    components = [value for name, value in block if name == "ad"]
    siv = Siv(case["key"])
    assert siv.seal(components, case["plain"]) == case["sealed"]
    assert siv.open(components, case["sealed"]) == case["plain"]


def test_siv_refuses_every_changed_bit():
    siv = Siv(bytes(range(64)))
    components = [b"header", b"row", b"", b"more"]
    sealed = siv.seal(components, b"twenty bytes of text")
    for i in range(8 * len(sealed)):
        changed = bytearray(sealed)
        changed[i // 8] ^= 1 << i % 8
        assert siv.open(components, bytes(changed)) is None
    assert siv.open(components[:-1], sealed) is None
    assert (
        siv.open([b"header", b"row", b"more"], sealed) is None
    ), "an empty component is not the same as none"
    assert siv.open(components, sealed[:15]) is None
    assert siv.open(components, sealed) == b"twenty bytes of text"


@pytest.mark.parametrize("block", blocks("ed25519_rfc8032.txt"))
def test_ed25519(block):
    case = dict(block)
    assert sign_public_key(case["seed"]) == case["public"]
    assert signature_is_good(case["public"], case["signature"], case["message"])
    assert not signature_is_good(case["public"], case["signature"], case["message"] + b"x")
    assert not signature_is_good(case["public"], case["signature"][:-1], case["message"])


def test_labels_are_all_different():
    tables = (kdf.FROM_MASTER_KEY, kdf.FROM_SHARES, kdf.FROM_SERVICE_ROOT, kdf.FROM_GENERATION_KEY)
    labels = [label for table in tables for label, _, _ in table.values()]
    assert len(set(labels)) == len(labels)


def test_derived_keys_are_those_of_the_frozen_vectors():
    """frozen.txt comes from one more implementation; roles that are newer than it are skipped."""
    ours = {
        label: length
        for table in (
            kdf.FROM_MASTER_KEY,
            kdf.FROM_SHARES,
            kdf.FROM_SERVICE_ROOT,
            kdf.FROM_GENERATION_KEY,
        )
        for label, _, length in table.values()
    }
    n = 0
    for block in blocks("frozen.txt"):
        case = dict(block)
        label = case.get("role", b"").decode("ascii")
        if label in ours:
            n += 1
            assert kdf.derive(case["key"], label, case["context"], ours[label]) == case["out"]
    assert n >= 10
