# SPDX-License-Identifier: Apache-2.0
"""The cells of both daemons as they run: what they have given up, and what others of the same user
get of them. What they may not do is tried from inside by tests/unit/front/test_cell.c and
tests/unit/keeper/test_sandbox.c.
"""

import ctypes
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from cards import made_up
from service import wait_until
from test_tls import make_certificate

LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
SECCOMP_FILTER = "2"

pytestmark = pytest.mark.skipif(
    "JETON_TEST_SANITIZED" in os.environ, reason="sanitizers need to look into the process"
)


@pytest.fixture(scope="module")
def celled(_shared):
    _shared.app.tokenize(made_up(1, series="cells"))
    return _shared


def pids(service):
    return {"jetond": service.front.process.pid, "jeton-keeper": service.keeper.process.pid}


def told_of(task):
    lines = (Path(task) / "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_every_thread_is_filtered_and_gains_no_privileges(celled):
    for name, pid in pids(celled).items():
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        assert name == "jeton-keeper" or len(tasks) > 10
        for task in tasks:
            status = told_of(task)
            assert (status["Seccomp"], status["NoNewPrivs"]) == (SECCOMP_FILTER, "1"), (name, task)
            assert os.geteuid() == 0 or int(status["CapEff"], 16) == 0, (name, task)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any process")
def test_nobody_reads_their_memory(celled):
    for name, pid in pids(celled).items():
        for what in ("mem", "environ", "maps", "auxv", "syscall", "fd/0", "map_files"):
            with pytest.raises(PermissionError):
                path = Path(f"/proc/{pid}/{what}")
                # the names are there, what is behind them is not
                list(path.iterdir()) if what == "map_files" else path.open("rb").read(1)
        for request in (PTRACE_ATTACH, PTRACE_SEIZE):
            assert LIBC.ptrace(request, pid, None, None) == -1, name
            assert ctypes.get_errno() == 1, name
        piece = ctypes.create_string_buffer(8)
        iovec = (ctypes.c_void_p * 2)(ctypes.addressof(piece), 8)
        assert LIBC.process_vm_readv(pid, iovec, 1, iovec, 1, 0) == -1 and ctypes.get_errno() == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any process")
@pytest.mark.skipif(shutil.which("gcore") is None, reason="gdb is not installed")
def test_gcore_gets_nothing(celled, tmp_path):
    for name, pid in pids(celled).items():
        done = subprocess.run(
            ["gcore", "-o", tmp_path / name, str(pid)], capture_output=True, text=True, check=False
        )
        assert done.returncode != 0 and list(tmp_path.iterdir()) == [], (name, done.stdout)


def test_a_forced_core_is_not_written(make_service):
    service = make_service()
    service.app.tokenize(made_up(2, series="cells"))
    directories = {os.readlink("/proc/self/cwd"), str(service.directory)}
    before = {d: set(os.listdir(d)) for d in directories}
    for daemon, number in ((service.front, signal.SIGABRT), (service.keeper, signal.SIGSEGV)):
        limits = Path(f"/proc/{daemon.process.pid}/limits")
        cores = [line.split() for line in limits.read_text().splitlines() if "core" in line]
        assert cores[0][4:6] == ["0", "0"]
        os.kill(daemon.process.pid, number)
        _, status = os.waitpid(daemon.process.pid, 0)
        assert os.WTERMSIG(status) == number and not os.WCOREDUMP(status)
        daemon.process.returncode = -number
    made = {name for d in directories for name in set(os.listdir(d)) - before[d]}
    assert not [name for name in made if "core" in name]


def test_key_files_are_out_of_the_fronts_reach(make_service):
    """Also where the user is the same: a front that is told that its certificate is there where a
    key is does not get at it.
    """
    service = make_service(start=False)
    certificate, key = make_certificate(service.directory)
    service.configure(
        front_tls_listen="127.0.0.1",
        front_tls_port=0,
        front_tls_port_file=service.directory / "tls_port",
        front_tls_certificate=certificate,
        front_tls_key=key,
    )
    service.start()
    assert "stays open to jetond" not in service.front_log.read_text()
    if "has no Landlock" in service.front_log.read_text():
        pytest.skip("this kernel has no Landlock")
    key.unlink()
    key.symlink_to(service.keeper_directory / "master.key")
    assert key.read_bytes()[:8] == b"JTMASTER"  # for this user there is nothing in the way
    service.front.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "stays as it is" in service.front_log.read_text(), "the log tells", 10)
    told = [s for s in service.front_log.read_text().splitlines() if "stays as it is" in s]
    assert "Permission denied" in told[-1], told


def test_a_keepers_directory_below_what_stays_open_is_told(make_service):
    service = make_service(start=False, set_up=False)
    service.keeper_directory = service.directory / "keeper"
    service.configure(audit_heads_file=service.directory / "heads")
    service.set_up().start()
    where = f"and the keeper's {service.keeper_directory} lies below it"
    told = f"{service.directory} stays open to jetond, {where}"
    log = service.front_log.read_text()
    assert told in log or "has no Landlock" in log
