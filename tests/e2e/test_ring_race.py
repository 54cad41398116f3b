# SPDX-License-Identifier: Apache-2.0
"""The ring that was read when it moved: between a front's reading of it and its showing it to the
keeper, a roll may come, and another thread of the front may show that. The older one is refused
then, and is no sign of a database that went back.
"""

import threading

from cards import made_up
from cutter import Cutter
from service import wait_until


class LateReply(Cutter):
    """After `arm`, the answer to the first reading of the ring is held up until `let_go`; all
    other connections go on.
    """

    def __init__(self, directory, cluster):
        super().__init__(directory, cluster)
        self.caught = threading.Event()
        self._armed = threading.Event()
        self._go = threading.Event()
        self._held = None

    def arm(self):
        self._armed.set()

    def let_go(self):
        self._go.set()

    def close(self):
        self._go.set()
        super().close()

    def _pass_on(self, data, sink, pair):
        if sink is pair[1] and self._armed.is_set() and b"FROM ring" in data:
            self._armed.clear()
            self._held = pair
        if sink is pair[0] and pair is self._held:
            self.caught.set()
            self._go.wait()
        super()._pass_on(data, sink, pair)


def renewed(service, node):
    return service.sql("SELECT renewed_at FROM node WHERE name = %s", (node.node,))[0][0]


def test_a_ring_that_moved_while_it_was_read_did_not_go_back(make_service, tmp_path):
    service = make_service(options={"front_lease": 30})
    other = service.add_node(front_lease=30)
    late = LateReply(tmp_path / "late", service.cluster)
    try:
        conninfo = f"host={late.directory} dbname={service.database} user=jeton"
        service.configure(front_lease=30, database_conninfo=conninfo)
        service.front.stop()
        service.start_front().wait_ready()
        number = other.operator.create_generation()
        late.arm()
        assert late.caught.wait(30), "the heartbeat reads the ring"
        wait_until(lambda: other.operator.activate(number).status_code == 200, "a roll")
        # another thread meets the new ring, and the keeper takes it
        pan = made_up(1, series="race")
        token = service.app.tokenize(pan)
        before = renewed(service, service)
        late.let_go()
        wait_until(lambda: renewed(service, service) > before, "the heartbeat goes on")
        assert "behind what the keeper has accepted" not in service.front_log.read_text()
        assert service.ready() and service.app.detokenize(token) == pan
    finally:
        late.close()
