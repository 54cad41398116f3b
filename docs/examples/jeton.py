# SPDX-License-Identifier: Apache-2.0
"""A client of Jeton in one file, with nothing but Python's standard library (3.9 or later).

    from jeton import Client

    with Client("https://cards.example:8443", key_file="shop.key") as jeton:
        token = jeton.tokenize("pan", "4111111111111111")
        pan = jeton.detokenize("pan", token)
        for result in jeton.tokenize_many("pan", pans):
            ...  # result.value, or result.problem where this one was refused

One connection is kept and used again. What may pass is repeated: connections that break, 429, 502,
503 and 504, as long as `retry_for_s` lasts and as the server's Retry-After says; within a batch,
only the items that were not answered are sent again. Everything else is an error at once, and so is
429 `guess-brake`, which lasts until the next day (UTC).

Repeating is safe: where equal cards share a token (which is how fields are made unless they say
otherwise), a card that was stored already gives the same token again. In a field without that, a
request whose answer was lost may leave a second token for its cards, unless the client is made with
`once=True`: then each has an Idempotency-Key, which costs the server two more transactions.

Not for several threads at a time: make a client for each. Card numbers, tokens and the API key are
never put into an exception's text.
"""

import http.client
import ipaddress
import json
import os
import ssl
import stat
import time
import urllib.parse
import uuid
from dataclasses import dataclass
from typing import Iterable, Iterator, Optional

PROBLEM = "urn:jeton:problem:"
PASSING = (429, 502, 503, 504)
LASTING = "guess-brake"  # until midnight, with 429
MASKED = {"masked": True}


class JetonError(Exception):
    """The service refused, or could not be reached. `status` is HTTP's, or None; `problem` is the
    last part of the problem's type, such as "token-unknown", or None.
    """

    def __init__(self, text, status=None, problem=None):
        super().__init__(text)
        self.status = status
        self.problem = problem


class JetonUnavailable(JetonError):
    """It may pass, and did not within `retry_for_s`."""


@dataclass
class Result:
    """What became of one item of a batch: a value, or the problem for which there is none."""

    value: Optional[str]
    status: int
    problem: Optional[str] = None

    @property
    def good(self):
        return self.value is not None

    @property
    def passing(self):
        return self.status in PASSING and self.problem != LASTING


class Client:
    """`url` is https, or http to this machine. The API key is read from a file that only its owner
    can read, or given as `key`. `ca_file` is what to trust instead of the system's certificates.
    `cert_file` is a certificate to show to the server, with its key in `cert_key_file` or in the
    same file.
    """

    def __init__(
        self,
        url,
        key=None,
        key_file=None,
        ca_file=None,
        timeout_s=30.0,
        retry_for_s=30.0,
        batch=1000,
        cert_file=None,
        cert_key_file=None,
        once=False,
    ):
        self._address = urllib.parse.urlsplit(url)
        _check_url(self._address)
        self._headers = {
            "Authorization": "Bearer " + (key if key is not None else _read_key(key_file)),
            "Content-Type": "application/json",
        }
        self._ca_file = ca_file
        self._cert_file = cert_file
        self._cert_key_file = cert_key_file
        self._timeout_s = timeout_s
        self._retry_for_s = retry_for_s
        self._batch = batch
        self._once = once
        self._connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # -- cards

    def tokenize(self, field, pan, expires_at=None):
        """The token of one card number. `expires_at` is when the card's lifetime ends, as in
        "2030-01-31T00:00:00Z"; a card that is there with a later end keeps that.
        """
        return self._one(field, "tokenize", "pan", pan, "token", _until(expires_at))

    def detokenize(self, field, token):
        """The card number of one token."""
        return self._one(field, "detokenize", "token", token, "pan")

    def mask(self, field, token):
        """The masked card number of one token: no whole one is sent."""
        return self._one(field, "detokenize", "token", token, "masked_pan", MASKED)

    def tokenize_many(self, field, pans: Iterable[str], expires_at=None) -> Iterator[Result]:
        """A result for each card number, in their order; the end is that of all of them."""
        return self._many(field, "tokenize", "pan", pans, "token", _until(expires_at))

    def detokenize_many(self, field, tokens: Iterable[str]) -> Iterator[Result]:
        """A result for each token, in their order."""
        return self._many(field, "detokenize", "token", tokens, "pan")

    def mask_many(self, field, tokens: Iterable[str]) -> Iterator[Result]:
        """A result for each token, in their order: masked card numbers."""
        return self._many(field, "detokenize", "token", tokens, "masked_pan", MASKED)

    # -- everything else

    def call(self, method, path, body=None):
        """One request of the API, as in call("GET", "/v1/status"); the answer's body, decoded. A
        POST has an Idempotency-Key; another method but GET is repeated only where the server says
        that nothing was done.
        """
        return self._call(method, path, body, method in ("GET", "POST"), method == "POST")

    # -- how it is done

    def _one(self, field, verb, name, value, wanted, common=None):
        body = {name: value, **(common or {})}
        answer = self._call("POST", _path(field, verb), body, True, self._once)
        return answer[wanted]

    def _many(self, field, verb, name, values, wanted, common=None):
        batch = []
        for value in values:
            batch.append(value)
            if len(batch) == self._batch:
                yield from self._send(field, verb, name, batch, wanted, common)
                batch = []
        if batch:
            yield from self._send(field, verb, name, batch, wanted, common)

    def _send(self, field, verb, name, values, wanted, common):
        results = [None] * len(values)
        left = list(range(len(values)))
        key = uuid.uuid4().hex if self._once else None  # a batch that has one is repeated whole
        end = time.monotonic() + self._retry_for_s
        while left:
            body = {"items": [{name: values[i]} for i in left], **(common or {})}
            answer = self._call("POST", _path(field, verb), body, True, key)
            for i, got in zip(left, answer["results"]):
                problem = got.get("type", "").removeprefix(PROBLEM) or None
                results[i] = Result(got.get(wanted), got["status"], problem)
            if any(r.passing for r in results):
                left = [i for i in left if key or results[i].passing]
            else:
                left = []
            if left and not self._wait(end, 1.0):
                break
        return results

    def _call(self, method, path, body, repeat, key):
        """`key`: an Idempotency-Key, or True for a fresh one."""
        data = None if body is None else json.dumps(body).encode("utf-8")
        named = dict(self._headers)
        if key:
            named["Idempotency-Key"] = uuid.uuid4().hex if key is True else key
        end = time.monotonic() + self._retry_for_s
        while True:
            try:
                status, headers, answer = self._request(method, path, data, named)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if isinstance(error, ssl.SSLCertVerificationError):
                    raise JetonError("the server's certificate is not trusted") from None
                if not repeat or not self._wait(end, 0.2):
                    raise JetonUnavailable("the server cannot be reached") from None
                continue
            if 200 <= status < 300:
                return answer
            problem = answer.get("type", "").removeprefix(PROBLEM) or None
            text = f"{answer.get('title', 'status ' + str(status))} ({problem or status})"
            retry_after = headers.get("Retry-After", "")
            passing = status in PASSING and (repeat or retry_after.isdigit())
            if status == 503 and problem is not None and not retry_after.isdigit():
                passing = False  # it does not pass by itself: an operator must look
            if problem == LASTING:
                passing = False
            if status == 409 and retry_after.isdigit():
                passing = True  # the one before is under way still, of which there was no answer
            if not passing:
                raise JetonError(text, status, problem)
            if not self._wait(end, float(retry_after) if retry_after.isdigit() else 1.0):
                raise JetonUnavailable(text, status, problem)

    @staticmethod
    def _wait(end, seconds):
        if time.monotonic() + seconds > end:
            return False
        time.sleep(seconds)
        return True

    def _request(self, method, path, data, headers):
        if self._connection is None:
            self._connection = self._connect()
        target = self._address.path.rstrip("/") + path
        self._connection.request(method, target, body=data, headers=headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.will_close:
            self.close()
        try:
            answer = json.loads(body) if body else {}
        except ValueError:
            answer = {}
        return response.status, response.headers, answer if isinstance(answer, dict) else {}

    def _connect(self):
        host, port = self._address.hostname, self._address.port
        if self._address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        context = ssl.create_default_context(cafile=self._ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self._cert_file is not None:
            context.load_cert_chain(self._cert_file, self._cert_key_file)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)


def _until(expires_at):
    return {} if expires_at is None else {"expires_at": expires_at}


def _path(field, verb):
    return f"/v1/fields/{urllib.parse.quote(field, safe='')}/{verb}"


def _check_url(address):
    """Card numbers and the key must not cross a network in the clear."""
    local = address.hostname == "localhost"
    try:
        local = local or ipaddress.ip_address(address.hostname or "").is_loopback
    except ValueError:
        pass
    if address.username is not None or not address.hostname:
        raise ValueError("the URL must have a host and no user")
    if address.scheme != "https" and not (address.scheme == "http" and local):
        raise ValueError("the URL must be https, or http to this machine")


def _read_key(path):
    with open(path, encoding="ascii") as file:
        if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise PermissionError("the key file may be read by its owner only (chmod 600)")
        return file.read().strip()
