# SPDX-License-Identifier: Apache-2.0
"""Packed PAN, id, token, envelope and fingerprint."""

import datetime

import pytest

import example
import formats
from tree import DERIVATION, blocks

ROOT = bytes(range(32))
KEY = bytes(range(32, 64))
PAN = "4111111111111111"


@pytest.mark.parametrize(
    "pan", ["4222222222222", "411111111111", PAN, "6304000000000000", "4000000000000000006"]
)
def test_a_packed_pan_comes_back(pan):
    assert formats.unpack_pan(formats.pack_pan(pan)) == pan


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "41111111111f",
        "4111111111f1",
        "41111111111a",
        "4111111111ff",
        "f1111111111111",
        "11" * 10,
        "41" * 5,
    ],
)
def test_what_is_no_packed_pan_is_refused(packed):
    assert formats.unpack_pan(bytes.fromhex(packed)) is None


def test_an_id_has_three_parts():
    number = formats.make_id(217_000_000_000, 255, 16383)
    assert formats.split_id(number) == (217_000_000_000, 255, 16383)
    assert formats.id_time(number) == formats.EPOCH + datetime.timedelta(
        milliseconds=217_000_000_000
    )
    assert formats.make_id((1 << 41) - 1, 255, 16383) == (1 << 63) - 1


def test_a_token_leads_back_to_its_id_in_its_own_field_only():
    key, other = formats.TokenKey(ROOT, 7), formats.TokenKey(ROOT, 8)
    number = formats.make_id(1, 1, 1)
    token = key.token(number)
    assert len(token) == 16 and key.id(token) == number and other.id(token) is None
    assert key.id(token[:-1] + bytes([token[-1] ^ 1])) is None
    assert key.id(key.token(number, bucket=1)) is None
    assert key.id(key.token(0)) is None and key.id(key.token(1 << 63)) is None


def test_token_texts_are_canonical():
    token = bytes(range(16))
    text = formats.token_text(token)
    assert text == "jtk_000g40r40m30e209185gr38e1w" and formats.token_from_text(text) == token
    assert formats.token_from_text(text[:-1] + "x") is None
    for wrong in ("", text[:-1], text + "0", text.upper(), "jtx_" + text[4:], text[:-2] + "ow"):
        assert formats.token_from_text(wrong) is None


def test_an_envelope_opens_only_where_it_was_sealed():
    keys = formats.CardKeys(KEY, 3, 5, 7)
    packed, number = formats.pack_pan(PAN), formats.make_id(9, 1, 0)
    fingerprint = keys.fingerprint(packed, number, True)
    envelope = keys.seal(packed, number, fingerprint)
    assert len(envelope) == 25 and envelope[0] == 5
    assert keys.open(envelope, number, fingerprint) == packed
    assert keys.open(envelope, number + 1, fingerprint) is None
    assert keys.open(envelope, number, bytes(16)) is None
    assert keys.open(b"", number, fingerprint) is None
    for other in (
        formats.CardKeys(KEY, 4, 5, 7),
        formats.CardKeys(KEY, 3, 6, 7),
        formats.CardKeys(KEY, 3, 5, 8),
    ):
        assert other.open(envelope, number, fingerprint) is None


def test_without_deduplication_equal_cards_have_different_fingerprints():
    keys = formats.CardKeys(KEY, 3, 5, 7)
    packed = formats.pack_pan(PAN)
    assert keys.fingerprint(packed, 1, True) == keys.fingerprint(packed, 2, True)
    assert keys.fingerprint(packed, 1, False) != keys.fingerprint(packed, 2, False)


def frozen(name):
    """The blocks of frozen.txt that have a value of this name; they are for one field, generation
    and key id.
    """
    found = [dict(block) for block in blocks("frozen.txt") if name in dict(block)]
    return found or pytest.skip(f"frozen.txt has no {name}")


def test_cards_are_those_of_the_frozen_vectors():
    for case in frozen("linked"):
        keys = formats.CardKeys(case["key"], 0x0102030405060708, 0xA5, 7)
        number = int.from_bytes(case["row"], "big")
        assert keys.fingerprint(case["plain"], number, True) == case["fingerprint"]
        assert keys.fingerprint(case["plain"], number, False) == case["linked"]
        digits, fp = case.get("digits", b""), case["fingerprint"]
        assert keys.open(case["envelope"], number, fp, digits) == case["plain"]
        assert keys.seal(case["plain"], number, fp, digits) == case["envelope"]


def test_numeric_tokens_are_found_as_the_frozen_vectors_say():
    for case in frozen("tok"):
        code = {(6, 4): 2 | 4, (0, 0): 1}[tuple(case["kept"])]
        key = formats.NumericKey(case["key"], 7, formats.NumericForm(code))
        assert key.tok(formats.unpack_pan(case["digits"])) == case["tok"]


def test_a_numeric_token_has_the_form_of_its_field():
    pan = "4111111111111111"
    keeps = formats.NumericForm(2 | 4)
    assert keeps.good and not formats.NumericForm(0).good and not formats.NumericForm(32 | 2).good
    assert keeps.wrong("4111118264091111", pan) is None
    for token in ("4111108264091111", "4111118264091112", pan, "411111826491111"):
        assert keeps.wrong(token, pan)
    assert formats.NumericForm(1).wrong("9111111111111111", pan) is None
    assert formats.NumericForm(1).wrong("8111111111111111", pan)
    assert formats.NumericForm(1 | 8).wrong("9111111111111111", pan)


def test_tokens_are_those_of_the_frozen_vectors():
    for case in frozen("token"):
        key, number = formats.TokenKey(case["key"], 7), int.from_bytes(case["id"], "big")
        assert key.token(number) == case["token"] and key.id(case["token"]) == number


def test_the_worked_example_of_the_docs_is_right():
    assert example.text() in DERIVATION.read_text(encoding="utf-8")
