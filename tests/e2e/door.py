# SPDX-License-Identifier: Apache-2.0
"""Raw connections to the front door, and answers read byte by byte."""

import itertools
import re
import socket
import urllib.parse

from cards import made_up

PAN = made_up(1, series="door")
BODY = b'{"pan": "' + PAN.encode() + b'"}'
_strangers = itertools.count()


def made_up_key():
    """Of a client that there is not, another one each time: none of them is locked out."""
    name = b"stranger-%d" % next(_strangers)
    return b"Authorization: Bearer jck_" + name + b"_" + b"0" * 52 + b"\r\n"


HEADERS_OF_ALL = {"date", "content-type", "cache-control", "content-length"}
GET = b"GET /livez HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"


def connect(service, source="127.0.0.1", timeout_s=10):
    address = urllib.parse.urlsplit(service.url)
    return socket.create_connection(
        (address.hostname, address.port), timeout=timeout_s, source_address=(source, 0)
    )


def read_to_end(sock):
    """What comes until the server closes; a reset is a failure, for it throws answers away."""
    received = b""
    while part := sock.recv(65536):
        received += part
    return received


def exchange(service, data):
    """Sends all of it, then says that nothing more comes; everything that is answered."""
    with connect(service) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        return read_to_end(sock)


def parse_answers(received, to_head=False):
    """[(status, headers, body)], by RFC 9112 to the letter: nothing may be left over or missing."""
    answers = []
    while received:
        head, separator, received = received.partition(b"\r\n\r\n")
        assert separator, head[:200]
        assert b"\0" not in head and not re.search(rb"(?<!\r)\n|\r(?!\n)", head), head[:200]
        line, *fields = head.decode("ascii").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 ([1-5]\d\d) [ -~]*", line)
        assert match, line
        headers = {}
        for field in fields:
            name, colon, value = field.partition(": ")
            assert colon and re.fullmatch(r"[A-Za-z-]+", name) and value == value.strip(), field
            assert name.lower() not in headers, field
            headers[name.lower()] = value
        status = int(match.group(1))
        length = 0 if status in (100, 204) else int(headers["content-length"])
        taken = 0 if to_head else length
        assert len(received) >= taken, (line, len(received), length)
        answers.append((status, headers, received[:taken]))
        received = received[taken:]
    return answers


def check_problem(answer, status, name, closes=True):
    got, headers, body = answer
    assert got == status and headers["content-type"] == "application/problem+json", answer
    assert set(headers) >= HEADERS_OF_ALL
    assert b'"urn:jeton:problem:' + name.encode() + b'"' in body, body
    assert f'"status":{status}'.encode() in body and PAN.encode() not in body
    assert (headers.get("connection") == "close") == closes, headers


def key_of(service):
    return b"Authorization: Bearer " + service.app_key.encode() + b"\r\n"


def tokenize(
    service,
    *,
    line=b"POST /v1/fields/pan/tokenize HTTP/1.1",
    host=b"Host: localhost\r\n",
    auth=None,
    extra=b"",
    kind=b"Content-Type: application/json\r\n",
    length=None,
    body=BODY,
):
    auth = key_of(service) if auth is None else auth
    length = b"Content-Length: %d\r\n" % len(body) if length is None else length
    return line + b"\r\n" + host + auth + kind + length + extra + b"\r\n" + body
