# SPDX-License-Identifier: Apache-2.0
"""HTTP as an attacker writes it, on raw sockets: what two parsers could read in two ways is
refused, never served.
"""

import re
import socket
import urllib.parse

import pytest

from cards import made_up

PAN = made_up(1, series="hostile")
BODY = b'{"pan": "' + PAN.encode() + b'"}'


def exchange(service, data, half_close=False, timeout_s=10):
    """Sends bytes, returns what comes until the server closes or falls silent."""
    address = urllib.parse.urlsplit(service.url)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=timeout_s) as sock:
        try:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            while True:
                part = sock.recv(65536)
                if not part:
                    break
                received += part
                if finished(received):
                    break
        except (ConnectionResetError, BrokenPipeError):
            pass
    return received


def finished(received):
    """Whether one whole answer with a Content-Length has arrived."""
    head, separator, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return bool(separator and length and len(body) >= int(length.group(1)))


def status(received):
    match = re.match(rb"HTTP/1\.[01] (\d{3}) ", received)
    return int(match.group(1)) if match else None


def request(
    service,
    *,
    line=b"POST /v1/fields/pan/tokenize HTTP/1.1",
    host=b"Host: localhost\r\n",
    auth=None,
    extra=b"",
    length=None,
    body=BODY,
):
    if auth is None:
        auth = b"Authorization: Bearer " + service.app_key.encode() + b"\r\n"
    if length is None:
        length = b"Content-Length: %d\r\n" % len(body)
    return (
        line
        + b"\r\n"
        + host
        + auth
        + b"Content-Type: application/json\r\n"
        + length
        + extra
        + b"\r\n"
        + body
    )


def refused(service, data):
    """400 with a problem body, or a closed connection; never a success, never the card repeated,
    and the server lives on.
    """
    received = exchange(service, data)
    assert status(received) in (None, 400, 404, 405, 408, 413, 414, 431, 501, 505), received[:100]
    assert PAN.encode() not in received
    assert not re.search(rb"HTTP/1\.[01] 2\d\d", received)
    assert service.ready()
    return received


def test_the_plain_request_is_served(shared):
    assert status(exchange(shared, request(shared))) == 200


def test_two_content_lengths(shared):
    refused(shared, request(shared, extra=b"Content-Length: %d\r\n" % len(BODY)))
    refused(shared, request(shared, extra=b"Content-Length: 0\r\n"))
    refused(shared, request(shared, extra=b"content-length: 5\r\n"))


def test_content_length_with_transfer_encoding(shared):
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    refused(
        shared,
        request(
            shared,
            extra=b"Transfer-Encoding: chunked\r\n",
            length=b"Content-Length: 4\r\n",
            body=chunked,
        ),
    )
    refused(
        shared,
        request(
            shared,
            extra=b"Content-Length: 4\r\n",
            length=b"Transfer-Encoding: chunked\r\n",
            body=chunked,
        ),
    )


@pytest.mark.parametrize(
    "coding",
    [b"identity", b"xchunked", b"chunked, identity", b"gzip", b"gzip, chunked", b"\x0bchunked"],
)
def test_other_transfer_encodings(shared, coding):
    refused(shared, request(shared, length=b"Transfer-Encoding: " + coding + b"\r\n"))


def test_two_transfer_encodings(shared):
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
    refused(
        shared,
        request(
            shared,
            length=b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            body=chunked,
        ),
    )


@pytest.mark.parametrize(
    "length", [b"-1", b"+5", b"5 5", b"5,5", b"0x10", b"99999999999999999999", b""]
)
def test_content_lengths_that_are_no_number(shared, length):
    refused(shared, request(shared, length=b"Content-Length: " + length + b"\r\n"))


def test_two_hosts(shared):
    refused(shared, request(shared, extra=b"Host: elsewhere\r\n"))


def test_no_host(shared):
    refused(shared, request(shared, host=b""))


def test_two_authorizations(shared):
    auth = b"Authorization: Bearer " + shared.app_key.encode() + b"\r\n"
    refused(shared, request(shared, auth=auth + auth))
    refused(shared, request(shared, auth=auth + b"authorization: Bearer x\r\n"))
    refused(shared, request(shared, auth=b"Authorization: Bearer x\r\n" + auth))


def test_two_content_types(shared):
    refused(shared, request(shared, extra=b"Content-Type: text/plain\r\n"))


@pytest.mark.parametrize(
    "header", [b"Content-Length : %d\r\n", b" Content-Length: %d\r\n", b"Content-Length\t: %d\r\n"]
)
def test_space_around_a_header_name(shared, header):
    refused(shared, request(shared, length=header % len(BODY)))


def test_space_before_the_colon_of_authorization(shared):
    received = exchange(
        shared, request(shared, auth=b"Authorization : Bearer " + shared.app_key.encode() + b"\r\n")
    )
    assert status(received) in (None, 400, 401)


def test_nul_in_a_header(shared):
    received = exchange(
        shared,
        request(shared, auth=b"Authorization: Bearer " + shared.app_key.encode() + b"\0x\r\n"),
    )
    assert status(received) in (None, 400, 401)
    refused(shared, request(shared, extra=b"X-Some\0thing: a\r\n"))


def test_bare_line_feeds(shared):
    refused(shared, request(shared).replace(b"\r\n", b"\n"))


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/fields/pan%00x/tokenize",
        b"/v1/fields/pan/tokenize%00",
        b"/v1/fields/%70an/tokenize",
        b"/v1/fields/pan%2ftokenize",
        b"/v1/fields/x/%2e%2e/pan/tokenize",
        b"/v1/fields/x/../pan/tokenize",
        b"//v1/fields/pan/tokenize",
        b"/v1/fields/pan/tokenize\\x",
        b"/v1/fields/pan/./tokenize",
        b"/v1/fields/pan/tokenize%20",
        b"/v1/fields/pan/tokenize%",
        b"/v1/fields/pan/tokenize;a=b",
        b"v1/fields/pan/tokenize",
        b"*",
        b"/v1/fields/pan/tokenize\xff",
    ],
)
def test_paths_written_otherwise(shared, path):
    refused(shared, request(shared, line=b"POST " + path + b" HTTP/1.1"))


@pytest.mark.parametrize(
    "path", [b"/v1/fields/pan/tokenize?pan=1", b"/v1/fields/pan/tokenize?", b"/v1/generations?all"]
)
def test_query_strings_are_not_ignored(shared, path):
    # Card numbers must never stand in a URL; nothing takes a query, so one is an error.
    refused(shared, request(shared, line=b"POST " + path + b" HTTP/1.1"))


@pytest.mark.parametrize(
    "line",
    [
        b"POST /v1/fields/pan/tokenize",
        b"POST /v1/fields/pan/tokenize HTTP/2.0",
        b"POST /v1/fields/pan/tokenize HTTP/1.1 x",
        b"post /v1/fields/pan/tokenize HTTP/1.1",
        b"P\0ST /v1/fields/pan/tokenize HTTP/1.1",
        b"POST /" + b"a" * 100000 + b" HTTP/1.1",
    ],
)
def test_bad_request_lines(shared, line):
    refused(shared, request(shared, line=line))


def test_too_many_headers(shared):
    refused(shared, request(shared, extra=b"".join(b"X-%d: y\r\n" % i for i in range(20000))))


def test_a_smuggled_second_request_is_not_run(shared):
    """What a front proxy takes for a body must not be answered as a request."""
    inner = request(shared, line=b"POST /v1/fields/pan/tokenize HTTP/1.1")
    received = exchange(
        shared,
        request(
            shared,
            extra=b"Transfer-Encoding: chunked\r\n",
            length=b"Content-Length: 5\r\n",
            body=b"0\r\n\r\n" + inner,
        ),
    )
    assert not re.search(rb"HTTP/1\.[01] 2\d\d", received)


def test_pipelined_requests_are_answered_in_order(shared):
    first, second = made_up(2, series="hostile"), made_up(3, series="hostile")
    expected = [shared.app.tokenize(first), shared.app.tokenize(second)]
    data = b"".join(
        request(shared, body=b'{"pan": "%s"}' % p.encode(), extra=last)
        for p, last in ((first, b""), (second, b"Connection: close\r\n"))
    )
    address = urllib.parse.urlsplit(shared.url)
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
        sock.sendall(data)
        while part := sock.recv(65536):
            received += part
    assert [t.decode() for t in re.findall(rb"jtk_[0-9a-z]{26}", received)] == expected


def test_clients_that_go_away_harm_nobody(shared):
    address = urllib.parse.urlsplit(shared.url)
    data = request(
        shared,
        body=b'{"items": ['
        + b",".join(b'{"pan": "%s"}' % made_up(n, series="gone").encode() for n in range(200))
        + b"]}",
    )
    for cut in range(20, len(data), len(data) // 40):
        with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
            sock.sendall(data[:cut])
    for _ in range(20):
        with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
            sock.sendall(data)  # a whole request, and nobody there for the answer
    assert shared.ready()
    assert shared.app.detokenize(shared.app.tokenize(PAN)) == PAN
