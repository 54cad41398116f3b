# SPDX-License-Identifier: Apache-2.0
"""The main job that ./quickstart shows, small: every step of it must hold, and nothing in what it
prints may be an error.
"""

import os
import shutil
import subprocess
import tempfile

import pytest

from service import BIN, TREE


@pytest.fixture
def state():
    """A directory as ./quickstart lays it out for scripts/main_job, which removes it."""
    directory = tempfile.mkdtemp(prefix="jeton-q.")
    shutil.copytree(BIN, os.path.join(directory, "bin"))
    shutil.copytree(TREE / "scripts", os.path.join(directory, "scripts"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.slow
def test_the_main_job_runs_to_its_end(state):
    done = subprocess.run(
        ["bash", os.path.join(state, "scripts", "main_job"), state, "3000", "0"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    assert (
        "Everything compared equal" in done.stdout and "jeton retirement certificate" in done.stdout
    )
    assert "ERROR" not in done.stdout + done.stderr
    assert not os.path.exists(state)
