# SPDX-License-Identifier: Apache-2.0
"""Rotation of the master key: under load, by a passphrase and by shares, with an escrow file, on
several nodes, and with keys that are destroyed.
"""

import hashlib
import re
import shutil

import pytest

import kdf
import keyfiles
import masterfile
from cards import made_up
from custody import Custodians, destroy
from service import BIN, wait_until
from siv import Siv
from terminal import Terminal
from traffic import Traffic, check_promises

FIRST = "the first passphrase of tests"
SECOND = "the second passphrase of tests"
NAMES = ["anna", "bert", "carl"]


def write_secret(path, text):
    path.touch(0o600)
    path.write_text(text + "\n", encoding="ascii")
    return path


@pytest.fixture
def sealed(make_service, tmp_path):
    """A service of which the master key is under a passphrase that the keeper finds in a file."""
    service = make_service(set_up=False)
    service.phrase = write_secret(tmp_path / "phrase", FIRST)
    service.options = {"keeper_passphrase_file": service.phrase, "keeper_destroy_grace": 0}
    service.configure(**service.options)
    service.set_up()
    service.start()
    wait_until(lambda: "node: registered" in service.front_log.read_text(), "it has its place")
    service.wait_manageable()
    service.populate()
    return service


def rotate(service, *arguments, check=True):
    return service.jeton("ceremony", "rotate", *arguments, check=check)


def to_phrase(service, directory, text, *arguments, check=True):
    new = write_secret(directory / "new", text)
    done = rotate(service, "--passphrase-file", new, *arguments, check=check)
    new.unlink()
    return done


def to_shares(service, directory, *arguments, check=True):
    directory.mkdir(mode=0o700)
    rotate(
        service,
        *("--shares", 3, "--threshold", 2, "--custodians", ",".join(NAMES), "--to", directory),
        *arguments,
        check=check,
    )
    return [directory / f"{name}.share" for name in NAMES]


def master_file(service):
    return (service.keeper_directory / "master.key").read_bytes()


def key_of_shares(service, shares):
    return masterfile.open_with_shares(
        master_file(service), [s.read_text().strip() for s in shares[:2]]
    )[1]


def unwrapped(service, key):
    """Every key of the directory, under this master key; None for what it does not open."""
    wrap = Siv(kdf.from_master_key(key, "wrap"))

    def opened(read, *arguments):
        try:
            return read(*arguments)
        except keyfiles.Damaged:
            return None

    keys = {}
    for path in service.keeper_directory.glob("*.key"):
        data = path.read_bytes()
        if path.name == "service-root.key":
            keys[path.name] = opened(keyfiles.read_service_root, data, wrap, 1)
        elif path.name != "master.key":
            number = int(re.search(r"\d+", path.name).group())
            key_file = opened(keyfiles.read_generation, data, wrap, 1, number)
            keys[path.name] = key_file and key_file.key
    return keys


def test_under_load_it_is_rotated_and_what_opened_the_old_one_opens_nothing(sealed, tmp_path):
    service = sealed
    service.operator.roll()
    _, first = masterfile.open_with_passphrase(master_file(service), FIRST)
    before = unwrapped(service, first)
    assert len(before) == 3 and None not in before.values()
    present = ("--present-passphrase-file", service.phrase)
    record = tmp_path / "record"
    with Traffic(service, [made_up(i, series="rotation") for i in range(600)]) as traffic:
        traffic.wait_for(10)
        backup = tmp_path / "first.backup"
        shares = to_shares(
            service, tmp_path / "shares", *present, "--backup", backup, "--record", record
        )
        traffic.wait_for(10)
        done = to_phrase(service, tmp_path, SECOND, *shares[1:], "--no-backup")
        traffic.wait_for(10)
        third = to_shares(
            service,
            tmp_path / "third",
            *("--present-passphrase-file", write_secret(tmp_path / "second", SECOND)),
            *("--backup", tmp_path / "third.backup"),
        )
        traffic.wait_for(10)
    last = key_of_shares(service, third)
    service.service_root = lambda: unwrapped(service, last)["service-root.key"]
    check_promises(service, traffic)
    digest = hashlib.sha256(backup.read_bytes()).hexdigest()
    assert digest in record.read_text() and "any 2 of 3 open it" in record.read_text()
    assert "is rotated" in done.stdout and "none was made" in done.stdout

    # the keys are the same, byte for byte, and lie under the last master key only
    assert unwrapped(service, last) == before
    assert set(unwrapped(service, first).values()) == {None}
    assert not (service.keeper_directory / "rotation").exists()
    log = service.keeper_log.read_text()
    assert log.count("the master key is rotated: check value") == 3
    assert f"check value {master_file(service)[12:20].hex()}, before" in log
    secrets = [path.read_text().strip() for path in shares + third] + [FIRST, SECOND]
    texts = (
        "".join(p.read_text(errors="replace") for p in service.logs())
        + record.read_text()
        + done.stdout
        + done.stderr
    )
    assert not any(s in texts for s in secrets)

    service.stop()
    service.configure()
    service.start_keeper()
    wait_until(lambda: "sealed until its shares" in service.keeper_log.read_text(), "it serves")
    refused = service.jeton("ceremony", "unseal", *shares[:2], check=False)
    assert refused.returncode == 1 and "not a share of this master key" in refused.stderr
    service.jeton("ceremony", "unseal", third[0], third[2])
    service.start_front()
    service.wait_ready()
    check_promises(service, traffic)
    assert service.app.tokenize(made_up(1000, series="rotation"))


def test_without_what_opens_the_present_one_nothing_changes(sealed, tmp_path):
    service = sealed
    files = {p.name: p.read_bytes() for p in service.keeper_directory.glob("*.key")}

    def unchanged():
        return files == {p.name: p.read_bytes() for p in service.keeper_directory.glob("*.key")}

    wrong = ("--present-passphrase-file", write_secret(tmp_path / "wrong", SECOND))
    right = ("--present-passphrase-file", service.phrase)
    done = to_phrase(service, tmp_path, SECOND, *wrong, "--no-backup", check=False)
    assert done.returncode == 1 and "not the passphrase" in done.stderr
    assert "nothing was changed" in done.stderr and SECOND not in done.stderr
    for arguments in ((), ("--no-backup", "--backup", tmp_path / "b")):
        done = to_phrase(service, tmp_path, SECOND, *right, *arguments, check=False)
        assert done.returncode == 64 and "--no-backup" in done.stderr
    # a share that cannot be handed out; what was made is forgotten
    (tmp_path / "no").mkdir()
    write_secret(tmp_path / "no" / "anna.share", "what is there stays")
    done = rotate(
        service,
        *("--shares", 2, "--threshold", 2, "--custodians", "anna,bert", "--to", tmp_path / "no"),
        *right,
        "--no-backup",
        check=False,
    )
    assert done.returncode == 1 and "nothing was changed" in done.stderr and unchanged()
    pan = made_up(1, series="rotation")
    token = service.app.tokenize(pan)
    # a keeper that is killed while people type
    with Terminal(
        [BIN / "jeton", "ceremony", "rotate", "--no-backup", "--passphrase"],
        {"JETON_CONFIG": str(service.config)},
    ) as terminal:
        terminal.expect("Passphrase of the master key: ")
        terminal.type(FIRST)
        terminal.expect("New passphrase of the master key: ")
        service.keeper.kill()
        terminal.type(SECOND)
        terminal.expect("Again: ")
        terminal.type(SECOND)
        assert terminal.end() != 0
    assert unchanged()
    service.start_keeper()
    service.wait_ready()
    assert service.app.detokenize(token) == pan


def test_two_at_once_do_not_mix(sealed, tmp_path):
    """Whoever has begun ends it; who comes meanwhile is told so, and disturbs nothing."""
    service = sealed
    command = [BIN / "jeton", "ceremony", "rotate", "--no-backup", "--passphrase"]
    with Terminal(command, {"JETON_CONFIG": str(service.config)}) as terminal:
        terminal.expect("Passphrase of the master key: ")
        terminal.type(FIRST)
        terminal.expect("New passphrase of the master key: ")
        arguments = ("--no-backup", "--present-passphrase-file", service.phrase)
        second = to_phrase(service, tmp_path, "the third passphrase", *arguments, check=False)
        assert second.returncode == 1 and "another ceremony is under way" in second.stderr
        terminal.type(SECOND)
        terminal.expect("Again: ")
        terminal.type(SECOND)
        assert terminal.end() == 0
    write_secret(service.phrase, SECOND)
    service.keeper.kill()
    service.start_keeper().wait_ready()
    # who was cut off stands in nobody's way
    with Terminal(command, {"JETON_CONFIG": str(service.config)}) as terminal:
        terminal.expect("Passphrase of the master key: ")
        terminal.type(SECOND)
        terminal.expect("New passphrase of the master key: ")
    arguments = ("--no-backup", "--present-passphrase-file", service.phrase)
    to_phrase(service, tmp_path, FIRST, *arguments)


def test_what_cannot_be_written_at_the_end_is_refused_at_the_beginning(sealed, tmp_path):
    nowhere = tmp_path / "nowhere"
    for option in ("--record", "--backup"):
        more = ("--no-backup",) if option == "--record" else ()
        done = to_phrase(sealed, tmp_path, SECOND, option, nowhere / "file", *more, check=False)
        assert done.returncode == 64 and "No such file or directory" in done.stderr
        assert "Passphrase" not in done.stdout + done.stderr


def test_the_escrow_file_of_a_rotation_restores_an_empty_directory(sealed, tmp_path):
    service = sealed
    old, new = tmp_path / "old.backup", tmp_path / "new.backup"
    service.jeton("keys", "backup", old)
    pan = made_up(2, series="rotation")
    token = service.app.tokenize(pan)
    to_phrase(
        service, tmp_path, SECOND, "--present-passphrase-file", service.phrase, "--backup", new
    )
    assert "opened by the keeper" in service.jeton("keys", "backup", "--check", new).stdout
    done = service.jeton("keys", "backup", "--check", old, check=False)
    assert done.returncode == 2 and "another master key" in done.stderr
    write_secret(service.phrase, SECOND)

    service.stop()
    kept = master_file(service)
    shutil.rmtree(service.keeper_directory)
    service.keeper_directory.mkdir(mode=0o700)
    (service.keeper_directory / "master.key").touch(0o600)
    (service.keeper_directory / "master.key").write_bytes(kept)
    assert service.jeton("keys", "restore", old, check=False).returncode == 1
    service.jeton("keys", "restore", new)
    service.start()
    service.wait_ready()
    assert service.app.detokenize(token) == pan
    assert service.app.tokenize(pan) == token


def test_nodes_go_on_with_different_master_keys_and_follow_to_the_same(sealed, tmp_path):
    service = sealed
    node = service.add_node(**service.options)
    pan = made_up(3, series="rotation")
    token = service.app.tokenize(pan)
    present = ("--present-passphrase-file", service.phrase)
    to_phrase(service, tmp_path, SECOND, *present, "--no-backup")
    # keys go from one to the other all the same
    number = service.operator.roll()
    second = made_up(4, series="rotation")
    token_of_second = service.app.tokenize(second)
    wait_until(lambda: node.ready(), "it has the new key")
    assert node.app.detokenize(token_of_second) == second
    assert (node.keeper_directory / f"generation-{number}.key").exists()

    new = write_secret(tmp_path / "new", SECOND)
    copy = tmp_path / "master.key"
    shutil.copyfile(service.keeper_directory / "master.key", copy)
    done = rotate(
        node, *present, "--follow", copy, "--passphrase-file", service.phrase, check=False
    )
    assert done.returncode == 1 and "nothing was changed" in done.stderr
    done = rotate(node, *present, "--follow", copy, "--passphrase-file", new)
    check = master_file(service)[12:20].hex()
    assert check in done.stdout and "as on the node" in done.stdout
    assert master_file(node) == master_file(service)
    _, key = masterfile.open_with_passphrase(master_file(service), SECOND)
    ours, theirs = unwrapped(service, key), unwrapped(node, key)
    assert None not in theirs.values() and ours == theirs
    # both come up again, and a third one with a copy of the file
    write_secret(service.phrase, SECOND)
    service.stop()
    service.start()
    node.start()
    service.wait_ready()
    node.wait_ready()
    third = service.add_node(**service.options)
    for each in (service, node, third):
        assert each.app.detokenize(token) == pan
        assert each.app.detokenize(token_of_second) == second


def test_what_is_destroyed_before_or_after_does_not_come_back(sealed, tmp_path):
    service = sealed
    custodians = Custodians(service, "alice", "bob")
    assert custodians.enroll().returncode == 0

    def retire():
        number = max(service.operator.generations())
        token = service.app.tokenize(made_up(number, series="destroy"))
        service.operator.roll()
        service.operator.retire(number)
        service.operator.wait_certified(number)
        return number, token

    before, _ = retire()
    after, token = retire()
    destroy(service, custodians, before)
    to_phrase(service, tmp_path, SECOND, "--present-passphrase-file", service.phrase, "--no-backup")
    write_secret(service.phrase, SECOND)
    assert not (service.keeper_directory / f"generation-{before}.key").exists()
    assert (service.keeper_directory / f"generation-{after}.key").exists()
    destroy(service, custodians, after)
    assert not (service.keeper_directory / f"generation-{after}.key").exists()
    service.stop()
    service.start()
    service.wait_ready()
    states = {n: g["state"] for n, g in service.operator.generations().items()}
    assert states[before] == states[after] == "destroyed"
    assert service.app.detokenize(token) == made_up(after, series="destroy")


def test_what_lies_in_the_clear_or_is_sealed_is_not_rotated(service, sealed, tmp_path):
    done = to_phrase(service, tmp_path, SECOND, "--no-backup", check=False)
    assert done.returncode == 1 and "not sealed in this way" in done.stderr
    sealed.jeton("seal")
    done = to_phrase(
        sealed,
        tmp_path,
        SECOND,
        *("--present-passphrase-file", sealed.phrase, "--no-backup"),
        check=False,
    )
    assert done.returncode == 1 and "sealed" in done.stderr
