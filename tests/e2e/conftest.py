# SPDX-License-Identifier: Apache-2.0
"""Fixtures: one cluster for the run, one populated service shared by tests that leave it as it was,
fresh ones for the others.
"""

import itertools
import os
import shutil
import tempfile

import pytest

from service import BIN, Cluster, Service

_names = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "slow: takes more than a few seconds; left out by ./runtests --quick"
    )
    config.addinivalue_line(
        "markers", "alone: judges how long something takes; ./runtests runs nothing beside it"
    )
    if os.geteuid() == 0:
        pytest.exit(
            "PostgreSQL refuses to run as root: use ./runtests, which hands over to another user",
            77,
        )
    if not (BIN / "jetond").exists():
        pytest.exit("JETON_BIN_DIR must name the directory of jeton, jetond and jeton-keeper", 77)


def pytest_collection_modifyitems(items):
    if os.environ.get("JETON_TEST_SANITIZED"):
        slower = pytest.mark.skip(reason="what a sanitizer makes slower tells nothing of times")
        for item in items:
            if item.get_closest_marker("alone"):
                item.add_marker(slower)


@pytest.fixture(scope="session")
def run_directory():
    # Short, because Unix socket paths hold 107 bytes at most; pytest's own directories are too
    # deep.
    directory = tempfile.mkdtemp(prefix="jeton-e2e.")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(run_directory):
    directory = os.path.join(run_directory, "c")
    os.mkdir(directory, 0o700)
    cluster = Cluster(directory)
    yield cluster
    cluster.stop("immediate")


def _show_logs(request, service):
    """The end of the logs beside a failure; they hold no card numbers, which test_secrets.py
    proves.
    """
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        for path in service.logs():
            print(f"--- {path.name}\n" + path.read_text(encoding="utf-8", errors="replace")[-3000:])


@pytest.fixture
def measured(record_property):
    """Records a figure: measured("longest pause", 12, "ms"). It stands at the end of the output and
    in the report, and decides nothing, since the machine may be slow.
    """

    def record(what, value, unit):
        record_property(what, f"{value:.0f} {unit}")

    return record


def pytest_terminal_summary(terminalreporter):
    """Of all processes that ran tests."""
    reports = (r for stat in ("passed", "failed") for r in terminalreporter.stats.get(stat, ()))
    for report in reports:
        name = report.nodeid.rpartition("::")[2]
        for what, figure in report.user_properties if report.when == "call" else ():
            terminalreporter.write_line(f"measured {name}: {what} {figure}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.report_call = outcome.get_result()


@pytest.fixture
def make_service(request, run_directory, cluster):
    """Makes fresh services on demand: make_service(settings={...}, options={...}, cluster=...)."""
    made = []

    def make(settings=None, options=None, cluster=cluster, start=True, set_up=True):
        name = f"s{next(_names)}"
        service = Service(
            os.path.join(run_directory, name), cluster, name, (settings or {}).items(), options
        )
        made.append(service)
        if set_up:
            service.set_up()
        if set_up and start:
            service.start().populate()
        return service

    yield make
    for service in made:
        _show_logs(request, service)
        service.stop()


@pytest.fixture
def make_cluster(run_directory):
    """A cluster of the test's own, to kill or to configure."""
    made = []

    def make(settings=(), **options):
        directory = os.path.join(run_directory, f"c{next(_names)}")
        os.mkdir(directory, 0o700)
        made.append(Cluster(directory, settings, **options))
        return made[-1]

    yield make
    for cluster in made:
        cluster.stop("immediate")


@pytest.fixture
def service(make_service):
    """A fresh, populated service for a test that rolls, kills or edits."""
    return make_service()


@pytest.fixture(scope="session")
def _shared(run_directory, cluster):
    service = Service(os.path.join(run_directory, "shared"), cluster, "shared")
    service.set_up().start().populate()
    assert service.operator.post("/v1/fields", {"name": "other"}).status_code == 201
    assert (
        service.operator.post("/v1/fields", {"name": "lenient", "allow_bad_luhn": True}).status_code
        == 201
    )
    assert service.operator.post("/v1/fields", {"name": "plain", "dedup": False}).status_code == 201
    yield service
    service.stop()


@pytest.fixture
def shared(request, _shared):
    """A populated service for tests that only add cards; fields pan, other, lenient (any Luhn),
    plain (no dedup).
    """
    yield _shared
    _show_logs(request, _shared)
