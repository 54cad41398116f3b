# SPDX-License-Identifier: Apache-2.0
"""A front that is stopped in the middle of a transaction, at a place of the test's choice."""

import struct
import threading

from cutter import Cutter


class Stopper(Cutter):
    """After `arm`, the first transaction that has one of these statements goes on to the server up
    to it and no further, and nothing else of that connection follows: as if its front had been
    stopped between two writes. `caught` is set then.
    """

    def __init__(self, directory, cluster):
        super().__init__(directory, cluster)
        self.caught = threading.Event()
        self._armed = threading.Event()
        self._for_ever = threading.Event()
        self._statements = ()

    def arm(self, *statements):
        self._statements = statements
        self._armed.set()

    def close(self):
        self._for_ever.set()
        super().close()

    def _pass_on(self, data, sink, pair):
        armed = self._armed.is_set() and sink is pair[1]
        end = end_of(data, self._statements) if armed else None
        if end is None:
            return super()._pass_on(data, sink, pair)
        self._armed.clear()
        sink.sendall(data[:end])
        self.caught.set()
        self._for_ever.wait()
        raise ConnectionAbortedError


def end_of(data, statements):
    """Where in what a client sends the execution of such a prepared statement ends; None: nowhere.
    The messages are a byte and a length, and each transaction is sent from its beginning.
    """
    at, bound = 0, False
    while at + 5 <= len(data):
        kind, (length,) = data[at : at + 1], struct.unpack(">I", data[at + 1 : at + 5])
        message = data[at + 5 : at + 1 + length]
        at += 1 + length
        if kind == b"B":
            bound = message.split(b"\0")[1].decode() in statements
        elif kind == b"E" and bound:
            return at
    return None
