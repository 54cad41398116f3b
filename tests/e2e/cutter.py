# SPDX-License-Identifier: Apache-2.0
"""The network between a front and its database, which a test can cut or hold up: a proxy on a Unix
socket of its own.
"""

import socket
import threading
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class Cutter:
    """Use `directory` as the host of a conninfo. `cut` breaks all connections that there are;
    `hold` lets nothing through, in either direction, until `release`.
    """

    def __init__(self, directory, cluster):
        self.directory = Path(directory)
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self._target = str(Path(cluster.directory) / SOCKET)
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self._pairs = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.directory / SOCKET))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(self._target)
            except OSError:
                near.close()
                continue
            pair = (near, far)
            with self._lock:
                self._pairs.add(pair)
            for source, sink in (pair, pair[::-1]):
                threading.Thread(
                    target=self._forward, args=(source, sink, pair), daemon=True
                ).start()

    def _forward(self, source, sink, pair):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    break
                self._pass_on(data, sink, pair)
        except OSError:
            pass
        self._break(pair)

    def _pass_on(self, data, sink, _pair):
        self._open.wait()
        sink.sendall(data)

    def _break(self, pair):
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def cut(self):
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._break(pair)

    def hold(self):
        self._open.clear()

    def release(self):
        self._open.set()

    def close(self):
        self._listener.close()
        self.release()
        self.cut()
