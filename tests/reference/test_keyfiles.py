# SPDX-License-Identifier: Apache-2.0
"""The keeper's directory: what is whole is read, what is not is named."""

import hashlib

import pytest

from keyfiles import Damaged, KeyDirectory, read_escrow, read_master_key, read_rotation
from report import Report
from sealer import Vault, escrow_file


@pytest.fixture
def directory(tmp_path):
    vault = Vault()
    vault.add_field(1, "pan")
    vault.roll()
    vault.roll()
    vault.write_keys(tmp_path)
    return tmp_path


def read(directory):
    report = Report()
    return KeyDirectory(directory, report), report


def test_a_whole_directory_is_read(directory):
    keys, report = read(directory)
    vault = Vault()
    assert report.good() and keys.root == vault.root and keys.environment == 1
    assert {n: k.key_id for n, k in keys.generations.items()} == {1: 11, 2: 12}
    assert (keys.state.node, keys.state.epoch, keys.state.highest) == (1, 3, 2)


@pytest.mark.parametrize(
    "name", ["service-root.key", "generation-2.key", "generation-2.used", "state"]
)
def test_every_altered_byte_of_a_file_is_noticed(directory, name):
    good = (directory / name).read_bytes()
    for i in range(len(good)):
        (directory / name).write_bytes(good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :])
        keys, report = read(directory)
        assert report.kinds() == {"key file"} and report.text().count(f"{name}: ") >= 1, i
        assert keys.root is not None or name == "service-root.key"
    for data in (good[:-1], good + b"\0", b""):
        (directory / name).write_bytes(data)
        assert not read(directory)[1].good()


def test_an_altered_master_key_opens_nothing(directory):
    good = (directory / "master.key").read_bytes()
    for i in range(len(good)):
        if i == 9:
            # the environment: development made production, which no other file agrees with
            continue
        with pytest.raises(Damaged):
            read_master_key(good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :])
    (directory / "master.key").write_bytes(good[:9] + b"\x02" + good[10:])
    assert not read(directory)[1].good()


def test_a_file_under_another_name_is_refused(directory):
    (directory / "generation-2.key").rename(directory / "generation-3.key")
    keys, report = read(directory)
    assert set(keys.generations) == {1}
    assert "generation-3.key: another number in it than in its name" in report.text()


def test_a_strange_file_is_noted_and_no_fault(directory):
    (directory / "README").write_text("mine", encoding="ascii")
    _, report = read(directory)
    assert report.good() and "note: README" in report.text()


def test_an_escrow_file_is_read_and_every_altered_byte_of_it_noticed():
    master, root = bytes(range(32)), bytes(range(32, 64))
    keys, marks = {3: (9, bytes(range(64, 96))), 5: (8, bytes(range(96, 128)))}, {1: 77, 255: 88}
    good = escrow_file(master, root, keys, marks)
    read_root, read_keys, read_marks = read_escrow(good, master, 1)
    assert read_root == root and read_marks == marks
    assert {n: (k.key_id, k.key) for n, k in read_keys.items()} == keys
    for i in range(len(good)):
        with pytest.raises(Damaged):
            read_escrow(good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :], master, 1)
    for data in (good[:-1], good + b"\0", good[:50], b""):
        with pytest.raises(Damaged):
            read_escrow(data, master, 1)
    with pytest.raises(Damaged):
        read_escrow(good, bytes(32), 1)


def test_a_rotation_is_read_and_every_altered_byte_of_it_noticed():
    sealed = b"JTMASTER\x02\x01\x01\0" + bytes([2] * 8) + bytes(67)
    files = {"master.key": sealed, "service-root.key": b"JTSVROOT" + bytes(68)}
    for number in (3, 5):
        files[f"generation-{number}.key"] = (
            b"JTGENKEY\x02\x01\x09\0" + number.to_bytes(8, "big") + bytes(64)
        )
    head = b"JTROTATE\x01\x01\0\x02" + bytes([1] * 8) + bytes([2] * 8)
    body = head + len(sealed).to_bytes(2, "big") + b"".join(files.values())
    good = body + hashlib.sha256(body).digest()
    assert read_rotation(good) == (bytes([1] * 8), bytes([2] * 8), files)
    for i in range(len(good)):
        with pytest.raises(Damaged):
            read_rotation(good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :])
    for data in (good[:-1], good + b"\0", b""):
        with pytest.raises(Damaged):
            read_rotation(data)
