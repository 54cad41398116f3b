# SPDX-License-Identifier: Apache-2.0
"""The audit trail as chains: digests, heads, and the check of all rows; docs/data-format.md, "The
audit trail as chains".
"""

import hashlib
import struct

from primitives import cmac

AUDIT_START = 40
AUDIT_LINK = 41
AUDIT_CLOSE = 42


class Row:
    """A row of the trail, as the table has it; at in microseconds since 1970."""

    def __init__(self, **columns):
        self.__dict__.update(columns)

    @property
    def chain(self):
        return (self.start, self.connection)

    def ids_digest(self):
        return hashlib.sha256(self.ids).digest() if self.ids else bytes(32)

    def encode(self):
        client, name = self.client.encode(), self.object.encode()
        return (
            struct.pack(">HHIII", self.action, self.result, self.field, self.n_items, self.n_done)
            + bytes([len(client)])
            + client
            + struct.pack(">H", len(name))
            + name
            + bytes([len(self.source)])
            + self.source
            + self.request
            + struct.pack(">I", len(self.ids) // 8)
            + self.ids_digest()
        )


def digest(rows):
    """Of the rows of one link."""
    head = struct.pack(">BQH", 1, rows[0].at, len(rows))
    return hashlib.sha256(head + b"".join(row.encode() for row in rows)).digest()


def head(key, chain, number, previous, rows_digest):
    """Of a link, under the key mac/audit."""
    start, connection = chain
    link = struct.pack(">BIHQ", AUDIT_LINK, start, connection, number)
    return cmac(key, link + previous + rows_digest)


def run_on(running, rows_digest):
    """What is told outside beside a head."""
    return hashlib.sha256(running + rows_digest).digest()


class Start:
    """A row of audit_start."""

    def __init__(self, id, node, incarnation, at, predecessor, ends, mac):
        self.id = id
        self.node = node
        self.incarnation = incarnation
        self.at = at
        self.predecessor = predecessor
        self.ends = ends
        self.mac = mac

    def computed_mac(self, key):
        node = self.node.encode()
        return cmac(
            key,
            struct.pack(">BIB", AUDIT_START, self.id, len(node))
            + node
            + self.incarnation
            + struct.pack(">QIH", self.at, self.predecessor, len(self.ends) // 26)
            + self.ends,
        )

    def named_ends(self):
        """Chain and (number, head) of each end."""
        for at in range(0, len(self.ends), 26):
            connection, number = struct.unpack_from(">HQ", self.ends, at)
            yield (self.predecessor, connection), (number, self.ends[at + 10 : at + 26])


class Close:
    """A row of audit_close; before in microseconds since 1970."""

    def __init__(self, start, connection, link, head, before, mac):
        self.chain = (start, connection)
        self.link = link
        self.head = head
        self.before = before
        self.mac = mac

    def computed_mac(self, key):
        body = struct.pack(">BIHQ", AUDIT_CLOSE, *self.chain, self.link)
        return cmac(key, body + self.head + struct.pack(">Q", self.before))


def _links(rows):
    """The rows of each link, in the order of the trail."""
    link = []
    for row in rows:
        link.append(row)
        if row.head is not None:
            yield link
            link = []
    if link:
        yield link


def verify(key, starts, rows, closes=()):
    """What is wrong, as texts; and how many links were looked at. `rows` in the order of the
    trail.
    """
    wrong = []
    heads, numbers = {}, {}
    for close in closes:
        if close.computed_mac(key) != close.mac:
            wrong.append(f"close of start {close.chain[0]}, connection {close.chain[1]}: MAC")
        heads[close.chain], numbers[close.chain] = close.head, close.link
    opened = {start.id: start for start in starts}
    for start in starts:
        if start.computed_mac(key) != start.mac:
            wrong.append(f"start {start.id}: MAC")
        if start.predecessor and start.predecessor not in opened:
            wrong.append(f"start {start.predecessor}: missing")
    n_links = 0
    for link in _links(row for row in rows if row.start > 0):
        n_links += 1
        last = link[-1]
        name = f"start {last.start}, connection {last.connection}, link {last.link}"
        chain = last.chain
        if chain not in heads and last.start in opened:
            heads[chain], numbers[chain] = opened[last.start].mac, 0
        same = {(row.chain, row.link, row.at) for row in link}
        if len(same) != 1 or [row.place for row in link] != list(range(1, len(link) + 1)):
            wrong.append(f"{name}: rows")
        elif chain not in heads or numbers[chain] + 1 != last.link:
            wrong.append(f"{name}: out of order")
        elif last.head is None or last.head != head(
            key, chain, last.link, heads[chain], digest(link)
        ):
            wrong.append(f"{name}: head")
        heads[chain], numbers[chain] = last.head, last.link
    for start in starts:
        for chain, (number, end) in start.named_ends():
            closed = any(c.chain == chain and c.link >= number for c in closes)
            if not closed and (numbers.get(chain), heads.get(chain)) != (number, end):
                wrong.append(f"start {chain[0]}, connection {chain[1]}: end")
    return wrong, n_links
