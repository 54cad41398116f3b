# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments under load: every acknowledged token still yields its card, half
of nothing is left.
"""

import os
import random

import pytest

from cards import made_up
from service import wait_until
from traffic import Traffic, check_promises

ROUNDS = int(os.environ.get("JETON_TEST_ROUNDS", "4"))


@pytest.fixture
def crashable(make_cluster, make_service):
    return make_service(cluster=make_cluster())


def kill_front(service):
    service.front.kill()
    service.start_front()


def kill_keeper(service):
    service.keeper.kill()
    service.start_keeper()


def kill_database(service):
    service.cluster.kill()
    service.cluster.start()


def kill_everything(service):
    service.front.kill()
    service.keeper.kill()
    service.cluster.kill()
    service.cluster.start()
    service.start_keeper()
    service.start_front()


@pytest.mark.slow
@pytest.mark.parametrize(
    "kill", [kill_front, kill_keeper, kill_database, kill_everything], ids=lambda f: f.__name__
)
def test_killed_under_load(crashable, kill):
    service = crashable
    rng = random.Random(kill.__name__)
    with Traffic(
        service,
        [made_up(n, series="crash") for n in range(1500)],
        clients=6,
        batch=30,
        outages=True,
    ) as traffic:
        for _ in range(ROUNDS):
            traffic.wait_for(rng.randint(1, 40))
            kill(service)
            service.wait_ready()
        traffic.wait_for(5)
    check_promises(service, traffic)


@pytest.mark.slow
def test_killed_in_the_middle_of_rolls_and_retirements(crashable):
    service = crashable
    service.configure(retirement_rate=400, retirement_batch=25)
    kill_front(service)
    service.wait_ready()
    rng = random.Random("roll")
    pool = [made_up(n, series="crash-roll") for n in range(1200)]
    with Traffic(service, pool, clients=4, batch=30, outages=True) as traffic:
        traffic.wait_for(30)
        for kill in (kill_front, kill_keeper, kill_database, kill_everything) * min(
            max(ROUNDS // 4, 1), 8
        ):
            roll_whatever_happens(service)
            old = min(
                n for n, g in service.operator.generations().items() if g["state"] == "draining"
            )
            wait_until(
                lambda: service.operator.post(f"/v1/generations/{old}/retire").status_code
                in (202, 409),
                "retirement starts",
            )
            traffic.wait_for(rng.randint(1, 20))
            kill(service)
            service.wait_ready()
        for number, generation in service.operator.generations().items():
            if generation["state"] == "draining":
                service.operator.post(f"/v1/generations/{number}/retire")
                service.operator.wait_certified(number)
        traffic.wait_for(5)
    check_promises(service, traffic)


def roll_whatever_happens(service):
    """A roll on a service that may be catching its breath: repeats what was answered with 503."""

    def created():
        answer = service.operator.post("/v1/generations")
        return answer.status_code == 201 and answer.json()["number"]

    number = wait_until(created, "create")
    wait_until(lambda: service.operator.activate(number).status_code in (200, 409), "activate")
    assert service.operator.generations()[number]["state"] == "active"


@pytest.mark.slow
def test_paused_processes_lose_nothing(crashable):
    """SIGSTOP instead of SIGKILL: time-outs, not broken connections."""
    service = crashable
    with Traffic(
        service, [made_up(n, series="pause") for n in range(500)], clients=4, batch=30, outages=True
    ) as traffic:
        traffic.wait_for(10)
        service.keeper.pause()
        wait_until(lambda: not service.ready(), "readyz notices")
        service.keeper.resume()
        service.wait_ready()
        traffic.wait_for(10)
    check_promises(service, traffic)


def test_a_front_that_is_asked_to_stop_finishes_its_answers(service):
    with Traffic(
        service, [made_up(n, series="stop") for n in range(800)], clients=6, outages=True
    ) as traffic:
        traffic.wait_for(10)
        assert service.front.stop() == 0
        service.start_front()
        service.wait_ready()
        traffic.wait_for(5)
        assert service.keeper.stop() == 0
        service.start_keeper()
        service.wait_ready()
        traffic.wait_for(5)
    check_promises(service, traffic)
