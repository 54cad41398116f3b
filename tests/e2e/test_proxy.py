# SPDX-License-Identifier: Apache-2.0
"""What is believed of a proxy: whom it speaks for, and from which proxies only."""

import http.client
import json
import socket

import pytest

from cards import made_up
from door import parse_answers, read_to_end
from service import wait_until

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
NEAR, FAR = "198.51.100.7", "203.0.113.9"
PATH = "/v1/fields/pan/tokenize"
BODY = json.dumps({"pan": made_up(1, series="proxy")})


@pytest.fixture
def behind(make_service):
    """A service whose client `near` may come from one network only."""
    service = make_service(options={"front_trusted_proxy": f"{PROXY}, unix"})
    service.jeton("client", "permit", "app", "--may", "tokenize", "--networks", "198.51.100.0/24")
    ask_until(service, 401, "127.0.0.1")
    return service


def ask(service, source, *said, key=None):
    host, port = service.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30, source_address=(source, 0))
    connection.putrequest("POST", PATH)
    for value in said:
        connection.putheader("X-Forwarded-For", value)
    connection.putheader("Authorization", f"Bearer {key or service.app_key}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(BODY)))
    connection.endheaders(BODY.encode())
    status = connection.getresponse().status
    connection.close()
    return status


def ask_until(service, status, *arguments):
    wait_until(lambda: ask(service, *arguments) == status, f"{status} is the answer")


def test_a_trusted_proxy_says_who_asks(behind):
    assert ask(behind, PROXY, NEAR) == 200
    assert ask(behind, PROXY, f"{FAR}, {NEAR}") == 200
    assert ask(behind, PROXY, FAR, NEAR) == 200  # one that adds a line of its own
    assert ask(behind, PROXY, f"{NEAR}, {FAR}") == 401  # the first was made up by who asks
    assert ask(behind, PROXY, FAR) == 401
    assert ask(behind, PROXY) == 401  # the proxy itself
    assert ask(behind, PROXY, "unknown") == 401
    assert ask(behind, STRANGER, NEAR) == 401
    log = behind.front_log.read_text()
    assert "sent X-Forwarded-For without an address at its end" in log and "unknown" not in log
    rows = behind.operator.get("/v1/audit?action=tokenize&limit=100").json()["rows"]
    assert {row["source"] for row in rows} == {NEAR}


def test_a_lock_out_is_of_whom_the_proxy_speaks_for(behind):
    for i in range(10):
        assert ask(behind, PROXY, NEAR, key=f"jck_app_{i:051d}0") == 401
    assert ask(behind, PROXY, NEAR) == 429
    assert ask(behind, PROXY, "198.51.100.8") == 200


def test_the_name_of_a_unix_socket_is_no_address(make_service):
    """Whoever may use the socket can bind any name to his end of it."""
    service = make_service()
    path = service.directory / "front.sock"
    service.front.stop()
    service.configure(front_listen=f"127.0.0.1, unix:{path}")
    service.start_front().wait_ready()
    for name in (b"", b"\0\0" + socket.inet_aton(NEAR) + b"name"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            if name:
                sock.bind(name)
            sock.connect(str(path))
            sock.sendall(
                f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                f"Authorization: Bearer {service.app_key}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(BODY)}\r\nX-Forwarded-For: {FAR}\r\n\r\n{BODY}".encode()
            )
            assert parse_answers(read_to_end(sock))[0][0] == 200
    rows = service.operator.get("/v1/audit?action=tokenize&limit=100").json()["rows"]
    assert [row["source"] for row in rows] == [None, None]


@pytest.mark.parametrize("bad", ["127.0.0.1/8", "proxy.example", "127.0.0.1,,127.0.0.2"])
def test_a_list_that_is_none_is_refused(make_service, bad):
    service = make_service()
    service.front.stop()
    service.configure(front_trusted_proxy=bad)
    service.start_front(wait=False)
    assert service.front.process.wait(30) == 78
    assert "trusted_proxy in [front] must be" in service.front_log.read_text()
