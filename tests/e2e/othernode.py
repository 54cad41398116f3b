# SPDX-License-Identifier: Apache-2.0
"""What another node does to the set of clients: it has a keeper make the rows, and stores them. The
front under test has no part in it. Written from docs/keeper-protocol.md.
"""

import socket
import struct

import rows

HELLO, CLIENT_CHANGE = 1, 30
VERSION = 11
ACTIVE, REVOKED, DISABLED = 1, 2, 3
CLIENT = "id, permissions, secret_mac, state, revision, mac_epoch, mac, terms"
SET = "kind, version, n, operators, nonce, digest, mac_epoch, mac"
OLD_SECRET = slice(9, 33)  # of terms: when the secret before ends, and its MAC


class OtherNode:
    def __init__(self, service):
        self.service = service
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(service.directory / "k.sock"))
        self._ask(HELLO, b"jeton-kp" + struct.pack(">H", VERSION))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _receive(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            assert more, "the keeper closed the connection"
            data += more
        return data

    def _ask(self, verb, payload):
        self.socket.sendall(struct.pack(">IB", len(payload) + 1, verb) + payload)
        (length,) = struct.unpack(">I", self._receive(4))
        reply = self._receive(length)
        assert reply[:3] == bytes([verb, 0, 0]), reply[:3]
        return reply[3:]

    def _read(self, columns, table, where):
        values = self.service.sql(f"SELECT {columns} FROM {table} WHERE {where}")[0]
        return {
            name: bytes(value) if isinstance(value, memoryview) else value
            for name, value in zip(columns.split(", "), values)
        }

    def change(self, name, state=None, permissions=None, secret=None):
        """Makes and commits a change; when it returns, it stands in the database."""
        row = self._read(CLIENT, "client", f"id = '{name}'")
        set_row = self._read(SET, "row_set", "kind = 1")
        terms = bytearray(row["terms"])
        terms[OLD_SECRET] = bytes(24)
        order = struct.pack(">IH", row["permissions"] if permissions is None else permissions, 0)
        order = order[:4] + struct.pack(">H", len(terms)) + bytes(terms)
        order += bytes([secret is not None]) + (secret or bytes(32)) + struct.pack(">I", 0)
        reply = self._ask(
            CLIENT_CHANGE,
            rows.client_object(row)
            + rows.set_message(
                *(set_row[c] for c in ("kind", "version", "n", "operators", "nonce", "digest")),
                set_row["mac_epoch"],
            )
            + set_row["mac"]
            + bytes([row["state"] if state is None else state])
            + order,
        )
        self._store(name, reply)

    def _store(self, name, reply):
        at = 1 + len(name)
        fields = struct.unpack_from(">I16sBQQ16sH", reply, at)
        at += struct.calcsize(">I16sBQQ16sH")
        terms, at = reply[at : at + fields[6]], at + fields[6]
        set_row = struct.unpack_from(">BQIQ16s16sQ16s", reply, at)
        with self.service.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET search_path = jeton")
            cursor.execute(
                f"UPDATE row_set SET ({SET}) = (%s,%s,%s,%s,%s,%s,%s,%s) "
                "WHERE kind = 1 AND version = %s",
                (*set_row, set_row[1] - 1),
            )
            assert cursor.rowcount == 1
            cursor.execute(
                f"UPDATE client SET ({CLIENT}) = (%s,%s,%s,%s,%s,%s,%s,%s) WHERE id = %s",
                (name, *fields[:6], terms, name),
            )
            assert cursor.rowcount == 1
        connection.close()
