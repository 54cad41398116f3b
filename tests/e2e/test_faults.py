# SPDX-License-Identifier: Apache-2.0
"""What is told of a failure: callers learn what it is about, the operator's log has the cause."""

from cards import made_up
from service import problem, wait_until


def since(path, size):
    return path.read_text()[size:]


def told(path, before, *words):
    """Waits for one line with all the words."""
    wait_until(
        lambda: any(all(w in line for w in words) for line in since(path, before).splitlines()),
        f"the log has a line with {words}",
        10,
    )


def marks(service):
    return {p: len(p.read_text()) for p in (service.front_log, service.keeper_log)}


def test_a_future_key_whose_file_is_gone_is_named_with_its_reason(service):
    future = service.operator.create_generation()
    (service.keeper_directory / f"generation-{future}.key").unlink()
    before = marks(service)
    answer = service.operator.activate(future)
    assert (answer.status_code, problem(answer)) == (503, "key-missing")
    assert answer.json()["subject"] == f"generation {future}"
    assert "Retry-After" not in answer.headers
    told(service.front_log, before[service.front_log], "activate", f"generation {future}", "keeper")
    told(service.keeper_log, before[service.keeper_log], f"generation-{future}.key")
    # The same after a start of the keeper, which does not know that there ever was such a key.
    service.keeper.stop()
    service.start_keeper().wait_ready()
    before = marks(service)
    answer = service.operator.activate(future)
    assert (answer.status_code, problem(answer)) == (503, "key-missing")
    told(service.front_log, before[service.front_log], f"generation {future}", "not hold the key")


def test_what_is_not_there_is_named(service):
    answer = service.operator.activate(99)
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    assert answer.json()["subject"] == "generation 99"
    answer = service.operator.post("/v1/clients/nobody/revoke")
    assert (answer.status_code, problem(answer)) == (404, "not-found")
    assert answer.json()["subject"] == "client nobody"


def test_a_step_from_the_wrong_state_names_the_generation(service):
    number = service.operator.get("/v1/generations").json()["generations"][0]["number"]
    answer = service.operator.post(f"/v1/generations/{number}/retire")
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    assert answer.json()["subject"] == f"generation {number}"
    assert answer.json()["reason"] == "not in the state that this step starts from"


def test_a_conflict_says_what_is_in_the_way_over_rest_and_on_the_command_line(service):
    answer = service.operator.post("/v1/clients/operator/revoke")
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    assert answer.json()["reason"] == "it is the last client that may operate"
    done = service.jeton("client", "revoke", "operator", check=False)
    assert done.returncode == 2
    assert "client operator" in done.stderr and "last client that may operate" in done.stderr
    answer = service.operator.post("/v1/fields", {"name": "pan"})
    assert (answer.status_code, problem(answer)) == (409, "conflict")
    assert answer.json()["subject"] == "field pan"
    assert answer.json()["reason"] == "a field has this name already"


def test_a_front_without_its_keeper_says_which_socket(service):
    before = marks(service)
    service.keeper.stop()
    told(service.front_log, before[service.front_log], "cannot be reached", "k.sock")
    answer = service.app.post("/v1/fields/pan/tokenize", {"pan": made_up(1)[0]})
    assert (answer.status_code, problem(answer)) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
