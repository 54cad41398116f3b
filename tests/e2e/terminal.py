# SPDX-License-Identifier: Apache-2.0
"""A command at a terminal, and who sits there."""

import os
import pty
import select
import signal
import time

from service import DEADLINE_S


class Terminal:
    """Runs a command with a terminal of its own; what it shows gathers in `shown`."""

    def __init__(self, arguments, env):
        self.shown = ""
        self._from = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(str(arguments[0]), [str(a) for a in arguments], {**os.environ, **env})
            finally:
                os._exit(127)

    def _read(self, deadline):
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"nothing more came: {self.shown[-400:]!r}"
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # the other end is closed
            data = b""
        self.shown += data.decode("utf-8", "replace")
        return bool(data)

    def expect(self, text):
        """Waits until it is shown, behind what was waited for before; what stood between."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.shown[self._from :]:
            assert self._read(deadline), f"it ended: {self.shown[-400:]!r}"
        at = self.shown.index(text, self._from)
        between = self.shown[self._from : at]
        self._from = at + len(text)
        return between

    def type(self, line):
        os.write(self.fd, (line + "\n").encode())

    def end(self):
        """Reads to the end; the exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.fd)
