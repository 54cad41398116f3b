# SPDX-License-Identifier: Apache-2.0
"""When a database server commits again, seen from beside: what of an outage is the database's, and
what is ours.
"""

import threading
import time

import psycopg2


class Writable:
    """Commits something at the servers of these conninfos, a few of which may be away or standbys,
    until one has done it. `at` is when it had: with synchronous replication, when a standby has it.
    """

    def __init__(self, *conninfos):
        self.at = None
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(c,)) for c in conninfos]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, conninfo):
        while not self._stop.wait(0.005):
            try:
                connection = psycopg2.connect(f"{conninfo} user=postgres dbname=postgres")
            except psycopg2.OperationalError:
                continue
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_logical_emit_message(true, 'test', '')")
                connection.commit()
                self.at = self.at or time.monotonic()
                return
            except psycopg2.Error:
                pass
            finally:
                connection.close()


def record_outage(measured, what, traffic, writable):
    """How long nothing was written, and how much of that passed when the server already did."""
    start, end = traffic.gap()
    measured(f"nothing was written {what} for", 1000 * (end - start), "ms")
    assert start < writable.at, "an outage ends when a server commits"
    measured(
        f"nothing was written {what}, once the server did commit, for",
        1000 * max(end - writable.at, 0),
        "ms",
    )
