# SPDX-License-Identifier: Apache-2.0
"""The keeper's directory: master key, service root, generation keys and the state file;
docs/key-files.md.
"""

import hashlib
import re
import struct
from pathlib import Path

import kdf
import rows
from primitives import cmac, equal
from siv import Siv

ENVIRONMENTS = {1: "development", 2: "production"}


class Damaged(Exception):
    """A file that is not what its format says; the text says why and names no key."""


class Key:
    """A generation key with what its file says about it."""

    def __init__(self, key, number, key_id, check, created):
        self.key = key
        self.number = number
        self.key_id = key_id
        self.check = check
        self.created = created


class State:
    """What the keeper must not forget."""

    def __init__(self, node, epoch, highest, id_mark, sets, operators, seals, ring_body, ring_mac):
        self.node = node
        self.epoch = epoch
        self.highest = highest
        self.id_mark = id_mark
        self.sets = sets  # kind: (highest version seen, MAC of its row)
        self.operators = operators  # version at which an operator was revoked last
        self.seals = seals  # a generation, and how many messages were sealed under it
        self.ring_body = ring_body
        self.ring_mac = ring_mac


def _need(condition, why):
    if not condition:
        raise Damaged(why)


def read_master_key(data):
    """Environment and key of master.key in the development format, the only one there is in the
    clear.
    """
    _need(len(data) == 52, "not 52 bytes")
    magic, form, environment, zero, check, key = struct.unpack(">8sBBH8s32s", data)
    _need(magic == b"JTMASTER" and form == 1 and zero == 0, "not a master key file of format 1")
    _need(environment in ENVIRONMENTS, "unknown environment")
    _need(
        equal(check, kdf.from_master_key(key, "master-check")), "the check value is not the key's"
    )
    return environment, key


def _unwrap(wrap, data, header_len):
    key = wrap.open([data[:header_len]], data[header_len:])
    _need(
        key is not None and len(key) == 32, "it does not unwrap: altered, or of another master key"
    )
    return key


def read_service_root(data, wrap, environment):
    """The service root; `wrap` is the SIV under the master key's wrap key."""
    _need(len(data) == 76, "not 76 bytes")
    magic, form, env, zero, _, check = struct.unpack(">8sBBHQ8s", data[:28])
    _need(magic == b"JTSVROOT" and form == 1 and zero == 0, "not a service root file of format 1")
    _need(env == environment, "of another environment than the master key")
    root = _unwrap(wrap, data, 28)
    _need(
        equal(check, kdf.from_service_root(root, "root-check")), "the check value is not the key's"
    )
    return root


def read_generation(data, wrap, environment, number):
    """One generation key; `number` is the one in the file's name."""
    _need(len(data) == 84, "not 84 bytes")
    magic, form, env, key_id, origin, inside, created, check = struct.unpack(
        ">8sBBBBQQ8s", data[:36]
    )
    _need(
        magic == b"JTGENKEY" and (form, origin) in ((1, 0), (2, 0), (2, 1)) and key_id > 0,
        "not a generation key file of format 1 or 2",
    )
    _need(env == environment, "of another environment than the master key")
    _need(inside == number, "another number in it than in its name")
    key = _unwrap(wrap, data, 36)
    _need(equal(check, kdf.from_generation_key(key, "check")), "the check value is not the key's")
    return Key(key, number, key_id, check, created)


def _by_number(data, at, n, what):
    """Behind a list of u8 node number and u64 from `at` on."""
    end = at + 9 * n
    _need(len(data) >= end + 34, "too short")
    values = dict(struct.unpack(">BQ", data[at + 9 * i : at + 9 * i + 9]) for i in range(n))
    _need(list(values) == sorted(values) and 0 not in values, f"{what} that are not in order")
    _need(len(values) == n and all(values.values()), f"{what} that are none")
    return end


def read_state(data, root, environment):
    """The state file, whose MAC is under the service root."""
    _need(len(data) >= 204, "too short")
    magic, form, env, node, forked, epoch, highest, id_mark = struct.unpack(">8sBBBBQQQ", data[:36])
    clients, clients_mac, fields, fields_mac, operators = struct.unpack(">Q16sQ16sQ", data[36:92])
    _ever, _day, _today, generation, seals = struct.unpack(">QIQQQ", data[92:128])
    _mark, _system, _timeline, n_marks = struct.unpack(">QQIB", data[128:149])
    _need(magic == b"JTKSTATE" and form == 8 and forked < 2, "not a state file of format 8")
    at = _by_number(data, 149, n_marks, "marks of nodes")
    _need(len(data) >= at + 55, "too short")
    # system identifier, timeline and end of the log, and the renewals of leases
    at = _by_number(data, at + 21, data[at + 20], "renewals")
    (length,) = struct.unpack(">H", data[at : at + 2])
    _need(len(data) == at + 34 + length, "not as long as it says")
    mac_key = kdf.from_service_root(root, "mac-state")
    _need(
        equal(data[-16:], cmac(mac_key, bytes([rows.MAC_STATE_FILE]) + data[:-16])),
        "its MAC is not the service root's",
    )
    _need(env == environment, "of another environment than the master key")
    sets = {rows.SET_CLIENTS: (clients, clients_mac), rows.SET_FIELDS: (fields, fields_mac)}
    return State(
        node,
        epoch,
        highest,
        id_mark,
        sets,
        operators,
        (generation, seals),
        data[at + 2 : at + 2 + length],
        data[at + 2 + length : at + 18 + length],
    )


def read_escrow(data, master_key, environment):
    """All keys of a keeper from one file: service root, generation keys by number, highest marks by
    node number. Which generations it has stands in it in the clear.
    """
    _need(len(data) >= 44, "too short")
    magic, form, env, n, _created, check, root_check, _epoch = struct.unpack(
        ">8sBBHQ8s8sQ", data[:44]
    )
    _need(magic == b"JTESCROW" and form == 1, "not an escrow file of format 1")
    _need(env == environment, "of another environment than the master key")
    _need(equal(check, kdf.from_master_key(master_key, "master-check")), "of another master key")
    at = 44 + 18 * n
    _need(n <= 255 and len(data) >= at + 16, "not as long as it says")
    listed = [struct.unpack(">QBB8s", data[44 + 18 * i : 62 + 18 * i]) for i in range(n)]
    _need([g[0] for g in listed] == sorted({g[0] for g in listed} - {0}), "not in order")
    body = Siv(kdf.from_master_key(master_key, "escrow")).open([data[:at]], data[at:])
    _need(body is not None, "it does not open: altered, or of another master key")
    _need(len(body) >= 125 + 40 * n, "not as long as it says")
    root, keys = body[8:40], {}
    _need(equal(root_check, kdf.from_service_root(root, "root-check")), "another service root")
    for i, (number, key_id, flags, check) in enumerate(listed):
        (created,) = struct.unpack(">Q", body[40 + 40 * i : 48 + 40 * i])
        key = body[48 + 40 * i : 80 + 40 * i]
        _need(key_id > 0 and flags <= 1, "not a generation")
        _need(equal(check, kdf.from_generation_key(key, "check")), "another generation's key")
        keys[number] = Key(key, number, key_id, check, created)
    rest = body[40 + 40 * n + 84 :]
    _need(len(rest) == 1 + 9 * rest[0], "not as long as it says")
    marks = dict(struct.unpack(">BQ", rest[1 + 9 * i : 10 + 9 * i]) for i in range(rest[0]))
    _need(list(marks) == sorted(marks) and all(marks) and all(marks.values()), "not marks of nodes")
    return root, keys, marks


def read_rotation(data):
    """The files of a rotation of the master key that is not at its end, by name, and the check
    values of the master key before and of the next one.
    """
    _need(len(data) >= 30 + 76 + 32, "too short")
    magic, form, env, n, before, after, length = struct.unpack(">8sBBH8s8sH", data[:30])
    _need(magic == b"JTROTATE" and form == 1, "not a rotation of format 1")
    _need(env in ENVIRONMENTS, "unknown environment")
    _need(n <= 255 and len(data) == 30 + length + 76 + 84 * n + 32, "not as long as it says")
    _need(equal(data[-32:], hashlib.sha256(data[:-32]).digest()), "not whole")
    files = {"master.key": data[30 : 30 + length]}
    _need(files["master.key"][:9] == b"JTMASTER\x02", "not a sealed master key")
    _need(equal(files["master.key"][12:20], after), "another master key than it says")
    at = 30 + length
    files["service-root.key"] = data[at : at + 76]
    numbers = []
    for i in range(n):
        one = data[at + 76 + 84 * i : at + 76 + 84 * (i + 1)]
        numbers += struct.unpack(">Q", one[12:20])
        files[f"generation-{numbers[-1]}.key"] = one
    _need(numbers == sorted(set(numbers) - {0}), "not in order")
    return before, after, files


def read_honey(data, root, environment):
    """The set of honey marks, as file and database have it: its version, and (field, id) of each
    mark.
    """
    _need(len(data) == 12326, "not 12326 bytes")
    magic, form, env, zero, version = struct.unpack(">8sBBHQ", data[:20])
    _need(magic == b"JTKHONEY" and form == 1 and zero == 0, "not a honey set of format 1")
    _need(env == environment, "of another environment than the master key")
    body = Siv(kdf.from_service_root(root, "honey")).open([data[:20]], data[20:])
    _need(body is not None, "not sealed under the service root")
    (n,) = struct.unpack(">H", body[:2])
    _need(n <= 1024 and not any(body[2 + 12 * n :]), "not as long as it says")
    marks = [struct.unpack(">IQ", body[2 + 12 * i : 14 + 12 * i]) for i in range(n)]
    _need(marks == sorted(set(marks), key=lambda m: (m[1], m[0])), "not in order")
    return version, marks


def read_mark(data, root, environment, number):
    """Key id and check value of a generation that has been in a ring."""
    _need(len(data) == 44, "not 44 bytes")
    magic, form, env, key_id, zero, inside, check = struct.unpack(">8sBBBBQ8s", data[:28])
    _need(magic == b"JTGENUSE" and form == 1 and zero == 0 and key_id > 0, "not a mark of format 1")
    mac_key = kdf.from_service_root(root, "mac-state")
    _need(
        equal(data[28:], cmac(mac_key, bytes([rows.MAC_MARK]) + data[:28])),
        "its MAC is not the service root's",
    )
    _need(env == environment, "of another environment than the master key")
    _need(inside == number, "another number in it than in its name")
    return key_id, check


class KeyDirectory:
    """Everything of a keeper's directory, unwrapped. Damage to a single file is reported, and the
    others are read.
    """

    def __init__(self, directory, report):
        self.directory = Path(directory)
        self.root = self.state = None
        self.generations = {}
        self.marks = {}
        self.environment, master = read_master_key((self.directory / "master.key").read_bytes())
        self._wrap = Siv(kdf.from_master_key(master, "wrap"))
        self._read_all(report)
        root = "the service root" if self.root else "no service root"
        report.line(
            f"keys: {ENVIRONMENTS[self.environment]}, the master key, {root}, "
            f"{len(self.generations)} generation keys"
        )

    def _read_all(self, report):
        self.root = self._try(
            report,
            "service-root.key",
            lambda data: read_service_root(data, self._wrap, self.environment),
        )
        if self.root is not None:
            self.state = self._try(
                report, "state", lambda data: read_state(data, self.root, self.environment)
            )
        for path in sorted(self.directory.iterdir()):
            match = re.fullmatch(r"generation-([1-9][0-9]*)\.key", path.name)
            if match:
                number = int(match.group(1))
                key = self._try(
                    report,
                    path.name,
                    lambda data, n=number: read_generation(data, self._wrap, self.environment, n),
                )
                if key is not None:
                    self.generations[number] = key
            elif self._mark(report, path.name):
                pass
            elif path.name == "honey":
                self._try(
                    report, path.name, lambda data: read_honey(data, self.root, self.environment)
                )
            elif path.name in ("custodians", "destructions"):
                pass  # ends.py reads them
            elif path.name not in ("master.key", "service-root.key", "state"):
                report.note(f"{path.name}: not read; not a file of this directory")

    def _mark(self, report, name):
        match = re.fullmatch(r"generation-([1-9][0-9]*)\.used", name)
        if match and self.root is not None:
            number = int(match.group(1))
            mark = self._try(
                report, name, lambda data: read_mark(data, self.root, self.environment, number)
            )
            if mark is not None:
                self.marks[number] = mark
        return match is not None

    def _try(self, report, name, read):
        try:
            return read((self.directory / name).read_bytes())
        except (OSError, Damaged) as error:
            report.fault(
                "key file", f"{name}: {error.strerror if isinstance(error, OSError) else error}"
            )
            return None
