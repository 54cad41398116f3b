# SPDX-License-Identifier: Apache-2.0
"""TLS at the front door: the same service as without it, a certificate that can be renewed while
it serves, and sockets of every kind.
"""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import time
import warnings

import pytest
import requests

from cards import made_up
from door import parse_answers, read_to_end, tokenize
from service import BIN, Daemon, problem, wait_until

PAN = made_up(1, series="tls")


def make_certificate(directory, name="localhost", days=2):
    """A self-signed certificate for 127.0.0.1 and ::1, as an operator would make one."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    aside = directory / "key.new"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", str(days), "-subj", f"/CN={name}"]
        + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"]
        + ["-keyout", aside, "-out", directory / "cert.new"],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    aside.chmod(0o600)
    aside.rename(key)
    (directory / "cert.new").rename(certificate)
    return certificate, key


class TlsService:
    """A service with HTTPS beside HTTP, and a file of what its clients trust."""

    def __init__(self, service):
        self.service = service
        self.certificate = service.directory / "cert.pem"
        self.port = None

    def start(self):
        port_file = self.service.directory / "tls_port"
        self.service.start()
        self.port = int(wait_until(lambda: port_file.exists() and port_file.read_text(), "port"))
        return self

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def connect(self, timeout_s=10):
        context = ssl.create_default_context(cafile=self.certificate)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)
        return context.wrap_socket(raw, server_hostname="localhost")

    def post(self, path, body, **kwargs):
        return requests.post(
            self.url + path,
            json=body,
            headers={"Authorization": "Bearer " + self.service.app_key},
            verify=str(self.certificate),
            timeout=30,
            **kwargs,
        )

    def connections(self):
        return self.service.operator.get("/v1/status").json()["connections"]


def tls_options(directory, **more):
    return {
        "front_tls_listen": "127.0.0.1",
        "front_tls_port": 0,
        "front_tls_port_file": directory / "tls_port",
        "front_tls_certificate": directory / "cert.pem",
        "front_tls_key": directory / "key.pem",
        **more,
    }


@pytest.fixture
def tls(service):
    make_certificate(service.directory)
    service.stop()
    service.configure(**tls_options(service.directory))
    return TlsService(service).start()


def test_cards_go_and_come_over_tls(tls):
    answer = tls.post("/v1/fields/pan/tokenize", {"pan": PAN})
    assert answer.status_code == 200
    token = answer.json()["token"]
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer " + tls.service.app_key
        for _ in range(20):
            answer = session.post(
                tls.url + "/v1/fields/pan/detokenize",
                json={"token": token},
                verify=str(tls.certificate),
                timeout=30,
            )
            assert answer.json()["pan"] == PAN
    assert tls.connections()["tls_handshakes"] == 2
    # More than a record, and more than a socket takes at a time, both ways.
    pans = [{"pan": made_up(i, series="tls")} for i in range(10000)]
    tokens = tls.post("/v1/fields/pan/tokenize", {"items": pans}).json()["results"]
    back = tls.post(
        "/v1/fields/pan/detokenize", {"items": [{"token": i["token"]} for i in tokens]}
    ).json()["results"]
    assert [i["pan"] for i in back] == [i["pan"] for i in pans]


def test_the_command_line_speaks_https_to_whom_it_trusts(tls):
    service = tls.service
    arguments = ["status", "--url", tls.url]
    service.jeton(*arguments, "--ca-file", tls.certificate)
    service.jeton(*arguments, env={"JETON_CA_FILE": str(tls.certificate)})
    refused = service.jeton(*arguments, check=False)
    assert refused.returncode == 69 and "certificate" in refused.stderr, refused.stderr


def hostile_requests(service):
    """Whole requests, good and bad, one for each way in which the door answers by itself."""
    yield "good", tokenize(service, body=b'{"pan": "' + PAN.encode() + b'"}')
    yield "bare line feed", tokenize(service).replace(b"\r\n", b"\n")
    yield "two lengths", tokenize(service, extra=b"Content-Length: 3\r\n")
    yield "space before the colon", tokenize(service, extra=b"X : y\r\n")
    yield "no host", b"GET /livez HTTP/1.1\r\n\r\n"
    yield "NUL", b"GET /livez HTTP/1.1\r\nHost: a\0b\r\n\r\n"
    yield "old version", b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n"
    yield "long line", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n"
    yield "large head", b"GET /livez HTTP/1.1\r\n" + b"X: " + b"y" * 17000
    yield "encoded path", b"GET /%2e%2e/livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield "expectation", tokenize(service, extra=b"Expect: wonders\r\n")
    yield "no key", b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield "half a head", b"GET /livez HTTP/1.1\r\nHost"
    yield "two in one", 2 * b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def comparable(received):
    return [
        (status, {k: v for k, v in headers.items() if k not in ("date", "x-request-id")}, body)
        for status, headers, body in parse_answers(received)
    ]


def ask(connect, data):
    """What is answered to `data`, with the connection left open for reading."""
    with connect() as sock:
        sock.settimeout(10)
        sock.sendall(data)
        received = b""
        with contextlib.suppress(TimeoutError, ssl.SSLError, ConnectionResetError):
            while part := sock.recv(65536):
                received += part
                if wants_no_more(received, data):
                    break
        return received


def wants_no_more(received, data):
    """Whether as many whole answers came as were asked for."""
    try:
        n = len(parse_answers(received))
    except (AssertionError, KeyError):
        return False
    return n >= max(1, data.count(b"HTTP/1.1\r\nHost: localhost\r\n\r\n"))


def test_what_is_refused_and_how_is_the_same_as_without_tls(tls):
    service = tls.service

    def plain():
        return socket.create_connection(
            ("127.0.0.1", int(service.url.rpartition(":")[2])), timeout=10
        )

    for name, data in hostile_requests(service):
        if name == "half a head":
            continue  # it is only refused when the client ends, which TLS says in its own way
        expected, got = comparable(ask(plain, data)), comparable(ask(tls.connect, data))
        assert expected and got == expected, (name, expected, got)


def test_plain_http_at_the_tls_port_is_told_so(tls):
    before = tls.connections()["tls_failures"]
    answer = requests.get(f"http://127.0.0.1:{tls.port}/livez", timeout=10)
    assert (answer.status_code, problem(answer)) == (400, "tls-required")
    # Anything else is no HTTP, and is given no answer but TLS's own.
    with socket.create_connection(("127.0.0.1", tls.port), timeout=10) as sock:
        sock.sendall(b"\x01\x02\x03 no protocol at all")
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in read_to_end(sock)
    wait_until(lambda: tls.connections()["tls_failures"] == before + 2, "both are counted")


def test_old_versions_are_refused(tls):
    context = ssl.create_default_context(cafile=tls.certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", tls.port), timeout=10) as raw:
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            context.wrap_socket(raw, server_hostname="localhost")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=tls.certificate)
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", tls.port), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as sock:
                assert sock.version() == version.name.replace("TLSv1_", "TLSv1.")
                sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert sock.recv(100).startswith(b"HTTP/1.1 200 ")


def shown_name(tls):
    pem = ssl.get_server_certificate(("127.0.0.1", tls.port))
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-subject", "-nameopt", "RFC2253"],
        input=pem,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip().removeprefix("subject=CN=")


def test_a_renewed_certificate_is_shown_and_connections_are_kept(tls):
    assert shown_name(tls) == "localhost"
    get = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with tls.connect() as kept:
        kept.sendall(get)
        assert kept.recv(4096).startswith(b"HTTP/1.1 200 ")
        make_certificate(tls.service.directory, "renewed")
        wait_until(lambda: shown_name(tls) == "renewed", "the new certificate is shown", 10)
        kept.sendall(get)
        assert kept.recv(4096).startswith(b"HTTP/1.1 200 ")
    # One that cannot be used: the log says so, and the one before is served on.
    tls.certificate.write_text("no certificate\n")
    wait_until(
        lambda: "the TLS certificate stays as it is" in tls.service.front_log.read_text(),
        "the log tells",
        10,
    )
    assert shown_name(tls) == "renewed"
    make_certificate(tls.service.directory, "third")
    tls.service.front.process.send_signal(signal.SIGHUP)
    wait_until(lambda: shown_name(tls) == "third", "SIGHUP", 10)
    assert "ends in 1 days" in tls.service.front_log.read_text()


def start_front_that_refuses(service):
    front = Daemon([BIN / "jetond", "--config", service.config], service.front_log)
    assert front.process.wait(30) == 78
    return service.front_log.read_text()


def test_networks_are_served_with_tls_or_by_explicit_word_only(tls):
    service = tls.service
    options = tls_options(service.directory)
    service.front.stop()
    service.configure(**options, front_listen="0.0.0.0")
    assert "plain_on_networks" in start_front_that_refuses(service)
    service.configure(**{**options, "front_tls_certificate": ""})
    assert "tls_certificate" in start_front_that_refuses(service)
    service.configure(**{**options, "front_tls_listen": "localhost"})
    assert "no numeric address" in start_front_that_refuses(service)
    service.configure(**options, front_listen="127.0.0.1, ::1")
    tls.start()
    assert tls.post("/v1/fields/pan/tokenize", {"pan": PAN}).status_code == 200


def test_development_serves_no_network_even_with_tls(tls):
    service = tls.service
    options = tls_options(service.directory)
    service.front.stop()
    service.configure(**{**options, "front_tls_listen": "0.0.0.0"})
    assert "environment = development" in start_front_that_refuses(service)
    service.configure(**options, front_listen="::", front_plain_on_networks="yes")
    assert "environment = development" in start_front_that_refuses(service)


def get_over_unix(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return parse_answers(read_to_end(sock))[0][0]


def test_a_unix_socket_serves_those_whom_its_directory_lets_in(tls):
    service = tls.service
    path = service.directory / "front.sock"
    service.front.stop()
    service.configure(**tls_options(service.directory), front_listen=f"127.0.0.1, unix:{path}")
    tls.start()
    assert get_over_unix(path) == 200
    assert path.stat().st_mode & 0o777 == 0o660
    service.front.kill()
    assert path.exists()  # left over by the one that was killed, and taken over
    tls.start()
    assert get_over_unix(path) == 200
    service.front.stop()
    assert not path.exists()
    tls.start()


def test_sockets_are_taken_over_from_systemd(tls):
    service = tls.service
    service.front.stop()
    with socket.create_server(("127.0.0.1", 0)) as plain, socket.create_server(
        ("127.0.0.1", 0)
    ) as encrypted:

        def hand_over():
            os.dup2(plain.fileno(), 10)
            os.dup2(encrypted.fileno(), 11)
            os.dup2(10, 3, inheritable=True)
            os.dup2(11, 4, inheritable=True)

        front = subprocess.Popen(
            ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", BIN / "jetond"]
            + ["--config", service.config],
            env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "plain:tls"},
            preexec_fn=hand_over,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            # The kernel takes connections before the process does: whoever comes waits.
            url = f"http://127.0.0.1:{plain.getsockname()[1]}"
            assert requests.get(url + "/livez", timeout=30).status_code == 200
            tls.port = encrypted.getsockname()[1]
            assert (
                requests.get(
                    tls.url + "/livez", verify=str(tls.certificate), timeout=30
                ).status_code
                == 200
            )
        finally:
            front.terminate()
            assert front.wait(30) == 0
    tls.start()


@pytest.mark.slow
def test_a_handshake_that_drips_is_ended(tls):
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", tls.port), timeout=40) as sock:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""
    assert 10 < time.monotonic() - begun < 25
