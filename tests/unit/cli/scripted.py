# SPDX-License-Identifier: Apache-2.0
"""A small HTTP server that answers as a test says, and the jeton command run against it.

JETON_BIN_DIR names the directory of the programs (./runtests sets it).
"""

import http.server
import json
import os
import re
import socketserver
import subprocess
import threading
import time
from pathlib import Path

JETON = Path(os.environ.get("JETON_BIN_DIR", ".")).resolve() / "jeton"
TREE = Path(os.environ.get("JETON_TREE") or Path(__file__).resolve().parents[3])
KEY = "jck_app_" + "0" * 52
TIMEOUT_S = 60


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one segment, or TCP's delayed acknowledgement makes each request take 40 ms.
    wbufsize = 1 << 16

    def log_message(self, *args):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        script = self.server.script
        field = self.command == "GET" and self.path == "/v1/fields/pan" and script.field
        if callable(field):
            field = field()
        if field:
            return self.send(200, field, {})  # what a file job asks first, and perhaps at the end
        with script.lock:
            script.requests.append((self.command, self.path, dict(self.headers), body))
            script.connections.add(self.client_address)
            number = len(script.requests)
        reply = script.reply(number, self.command, self.path, json.loads(body) if body else None)
        if reply is None:  # hang up without an answer
            self.close_connection = True
            return
        return self.send(*(*reply, {})[:3])

    def send(self, status, payload, headers):
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.send_response(status)
        self.send_header(
            "Content-Type", "application/json" if status < 400 else "application/problem+json"
        )
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = answer


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64


class Script:
    """A running server; `reply(number, method, path, body)` gives (status, payload[, headers]) or
    None.
    """

    def __init__(self, directory):
        self.lock = threading.Lock()
        self.requests, self.connections = [], set()
        self.directory = directory
        self.reply = vault
        self.field = None
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.script = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.key_file = directory / "app.key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(KEY + "\n")
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def start(self, *arguments, env=None, **kwargs):
        environment = {
            "PATH": os.environ["PATH"],
            "JETON_URL": self.url,
            "JETON_KEY_FILE": str(self.key_file),
            "LC_ALL": "C",
            **(env or {}),
        }
        return subprocess.Popen(
            [JETON, *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **kwargs,
        )

    def jeton(self, *arguments, status=0, **kwargs):
        process = self.start(*arguments, **kwargs)
        out, err = process.communicate(timeout=TIMEOUT_S)
        codes = status if isinstance(status, tuple) else (status,)
        assert process.returncode in codes, (process.returncode, err)
        assert KEY[8:] not in out + err
        process.out, process.err = out, err
        return process

    def file(self, name, contents=None):
        path = self.directory / name
        if contents is not None:
            path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def file_job(self, *arguments, **kwargs):
        """A job of a service that has the field pan, without dedup."""
        self.field = {"name": "pan", "dedup": False}
        return self.jeton(*arguments, **kwargs)

    def tokenize(self, contents, *options, verb="tokenize", column="pan", status=0, **kwargs):
        """Returns (process, output or None, [(record, reason)] or None). The exit code is 0 or 4
        where the job ended; of one that did not, what it left stays.
        """
        source, out, rejects = (
            self.file("in.csv", contents),
            self.file("out.csv"),
            self.file("rejects.csv"),
        )
        for path in (out, rejects):
            path.unlink(missing_ok=True)
        process = self.file_job(
            *(verb, "--field", "pan", "--column", column, "--in", source),
            *("--out", out, "--rejects", rejects),
            *options,
            status=status,
            **kwargs,
        )
        if not out.exists():
            assert not rejects.exists() and status not in (0, 4)
            return process, None, None
        assert not self.leftovers() and status in (0, 4)
        return process, out.read_bytes(), rejected(rejects)

    def leftovers(self):
        """What a job keeps to go on with."""
        return sorted(p.name for p in self.directory.iterdir() if p.suffix in (".part", ".ckpt"))


def wait_until(condition, what):
    """Polls with a deadline."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {TIMEOUT_S} s: {what}"
        time.sleep(0.01)


def rejected(path):
    """Which records of a text file were rejected, and why: [(record, reason)]."""
    rows = [line.rstrip(b"\r\n")[-80:].decode("ascii") for line in trailers(path.read_bytes())]
    return [(int(row[9:19]), REASONS[row[:8]]) for row in rows]


def trailers(data):
    """The lines that end a record: those with a trailer."""
    return [line for line in data.splitlines() if re.search(rb"JET\d{4}W +\d+ .{60}$", line)]


def reasons():
    text = (TREE / "src/batch/messages.def").read_text()
    found = re.findall(r'JT_MESSAGE\((\d+), (\w), \w+,\s+"([^"]*)"', text)
    return {f"JET{int(number):04}{letter}": name for number, letter, name in found}


def token_of(pan):
    return "jtk_" + "".join("abcdefghjk"[int(d)] for d in pan)


def pan_of(token):
    return "".join(str("abcdefghjk".index(c)) for c in token[4:])


def problem(status, name, **headers):
    return (
        status,
        {
            "type": f"urn:jeton:problem:{name}",
            "title": name.title(),
            "status": status,
            "detail": "In the test.",
        },
        headers,
    )


def vault(_number, _method, path, body):
    """What a jetond would answer, near enough."""
    results = []
    for item in body["items"]:
        if path.endswith("/tokenize"):
            good = re.fullmatch("[0-9]{12,19}", item["pan"])
            new = {"new": item["pan"].endswith("1")} if body.get("tell_new") else {}
            results.append(
                {"status": 200, "token": token_of(item["pan"]), **new}
                if good
                else {"status": 422, "type": "urn:jeton:problem:pan-not-digits", "title": "t"}
            )
        else:
            good = re.fullmatch("jtk_[a-k]{12,19}", item["token"])
            results.append(
                {"status": 200, "pan": pan_of(item["token"])}
                if good
                else {"status": 404, "type": "urn:jeton:problem:token-unknown", "title": "t"}
            )
    return 200, {"results": results}


def card_file(n):
    return "id,pan\n" + "".join(f"{i},{400000000000 + i}\n" for i in range(n))


def expected(n):
    return (
        "id,pan\n" + "".join(f"{i},{token_of(str(400000000000 + i))}\n" for i in range(n))
    ).encode()


REASONS = reasons()
