# SPDX-License-Identifier: Apache-2.0
"""What systemd hears of both daemons, and how its units confine them."""

import re
import select
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from service import BIN, TREE, Daemon, wait_until


@pytest.fixture
def listener(tmp_path, monkeypatch):
    """A socket as systemd has it, and how patient it is: 0.6 seconds."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        heard.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        yield heard


def hear(listener, word):
    while listener.recv(100).decode() != word:
        pass


@pytest.mark.parametrize("name", ["jeton-keeper", "jetond"])
def test_it_says_when_it_serves_that_it_lives_and_when_it_ends(
    make_service, listener, monkeypatch, name
):
    with monkeypatch.context() as nobody:
        nobody.delenv("NOTIFY_SOCKET")
        service = make_service()
        old = service.keeper if name == "jeton-keeper" else service.front
        assert old.stop() == 0
    daemon = Daemon([BIN / name, "--config", service.config], service.directory / "own.log")
    try:
        hear(listener, "READY=1")
        for _ in range(3):
            hear(listener, "WATCHDOG=1")
        # what stands still says nothing: after what is on its way, nothing comes
        daemon.pause()
        stat = Path(f"/proc/{daemon.process.pid}/stat")
        wait_until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", "it stops")
        listener.setblocking(False)
        while select.select([listener], [], [], 0)[0]:
            listener.recv(100)
        assert not select.select([listener], [], [], 1.5)[0]
        daemon.resume()
        listener.settimeout(20)
        hear(listener, "WATCHDOG=1")
        assert daemon.stop() == 0
        hear(listener, "STOPPING=1")
    finally:
        daemon.kill()
    wait_until(lambda: not daemon.running, "it has ended")


@pytest.mark.parametrize("name", ["jeton-keeper", "jetond", "jeton-unseal"])
def test_its_unit_leaves_it_little(tmp_path, name):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    unit = tmp_path / f"{name}.service"
    text = (TREE / "systemd" / f"{name}.service.in").read_text(encoding="ascii")
    unit.write_text(
        text.replace("@sbindir@", str(BIN)).replace("@bindir@", str(BIN)), encoding="ascii"
    )
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    level = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert level and float(level.group(1)) <= 1.5, done.stdout + done.stderr
