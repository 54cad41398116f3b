# SPDX-License-Identifier: Apache-2.0
"""The keeper's count of messages sealed under one key: over restarts, with a warning at 2^39 and an
alarm at 2^40. The state files of so many messages are made here.
"""

import struct

import kdf
import keyfiles
import rows
from cards import made_up
from primitives import cmac

SEALS_AT = 112  # in the state file: generation and count


def keeper(service):
    return service.operator.get("/v1/status").json()["keeper"]


def store(service, first, n):
    return service.app.tokenize_many([made_up(i, series="seals") for i in range(first, first + n)])


def set_count(service, generation, n):
    """A state file as a keeper that has sealed so much would have left it."""
    path = service.keeper_directory / "state"
    root, data = service.service_root(), bytearray(path.read_bytes())
    data[SEALS_AT : SEALS_AT + 16] = struct.pack(">QQ", generation, n)
    key = kdf.from_service_root(root, "mac-state")
    data[-16:] = cmac(key, bytes([rows.MAC_STATE_FILE]) + bytes(data[:-16]))
    assert keyfiles.read_state(bytes(data), root, 1).seals == (generation, n)
    path.write_bytes(data)


def restart(service, generation, n):
    service.stop()
    set_count(service, generation, n)
    service.start()
    service.wait_ready()


def test_the_count_outlasts_restarts_and_kills(service):
    store(service, 0, 50)
    assert service.app.tokenize_many([made_up(0, series="seals")] * 5)  # sealed, if not stored
    seals = keeper(service)["seals"]
    assert keeper(service)["seals_generation"] == 1 and seals >= 50
    service.stop()
    state = keyfiles.read_state(
        (service.keeper_directory / "state").read_bytes(), service.service_root(), 1
    )
    assert state.seals == (1, seals)  # a clean end writes what was sealed
    service.start()
    service.wait_ready()
    assert keeper(service)["seals"] == seals
    store(service, 50, 50)
    assert keeper(service)["seals"] == seals + 50
    service.keeper.kill()
    service.start_keeper()
    service.wait_ready()
    after = keeper(service)["seals"]
    assert seals + 50 <= after <= seals + 50 + 2**20
    # Another generation has a key of its own.
    service.operator.roll()
    store(service, 100, 10)
    assert keeper(service)["seals_generation"] == 2 and keeper(service)["seals"] < 1000


def test_there_is_a_warning_at_half_of_the_bound_and_an_alarm_at_it(service):
    restart(service, 1, 2**39 - 10)
    assert "roll to another one" not in service.jeton("status").stdout
    store(service, 0, 20)
    log = service.keeper_log.read_text()
    assert "generation 1 has sealed" in log and "more than 2^39" in log and "alarm" not in log
    assert "warning: generation 1 has sealed 5497558" in service.jeton("status").stdout
    restart(service, 1, 2**40 - 10)
    tokens = store(service, 100, 20)
    log = service.keeper_log.read_text()
    assert log.count("alarm: generation 1 has sealed") == 1 and "more than 2^40" in log
    assert keeper(service)["seals"] >= 2**40
    assert "ALARM: generation 1 has sealed 10995116" in service.jeton("status").stdout
    # Sealing goes on.
    assert service.app.detokenize(tokens[0]) == made_up(100, series="seals")
    assert store(service, 200, 20)
    assert service.keeper_log.read_text().count("alarm: generation 1 has sealed") == 1
    service.operator.roll()
    assert store(service, 300, 20)
    assert keeper(service)["seals"] == 20
    assert "ALARM" not in service.jeton("status").stdout
