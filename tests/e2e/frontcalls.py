# SPDX-License-Identifier: Apache-2.0
"""What is asked of a jetond of which a call fails, and what it may then answer: what is true, or
that it cannot be done now.
"""

import base64
import os
import signal
import time

import requests

import callfaults
from cards import made_up
from service import BIN, Api, Daemon, problem, wait_until

PATIENCE_S = 20  # within which everything is as before
IDLE_S = 3
BENEATH = "libpq.,libmicrohttpd."  # what they ask memory for while jetond calls them fails as well

MAY = ["tokenize", "detokenize", "read-masked", "lookup", "delete", "encrypt", "decrypt", "audit"]
NUMERIC = {"name": "digits", "token": {"format": "numeric", "leading": 6, "last": 4}}
RULES = {"lengths": [13, 16], "luhn_exempt": ["62"], "max_lifetime": 86400}


class Wrong(Exception):
    """What must not be, whatever fails."""


class World:
    """A service of which jetond has the library before it, and what was promised by it."""

    def __init__(self, service, library, directory):
        self.service = service
        self.table = callfaults.Table(directory, library, BIN / "jetond", BENEATH)
        self.number = 0
        self.promised = {"pan": {}, "digits": {}}  # field: card -> token
        self.pans = []
        self.done = set()  # faults that were tried: place, way
        self.background = set()
        self.refused = 0  # requests of the present step, or broken off
        self.ends = 0

    def start_front(self):
        saved = dict(os.environ)
        os.environ.update(self.table.environment)
        try:
            for name in ("port", "tls_port", "metrics-port"):
                (self.service.directory / name).unlink(missing_ok=True)
            self.service.front = Daemon(
                [BIN / "jetond", "--config", self.service.config], self.service.front_log
            )
        finally:
            os.environ.clear()
            os.environ.update(saved)

    def is_up(self):
        """Whether it serves; it may have ended."""
        ports = [self.port(name) for name in ("port", "tls_port", "metrics-port")]
        if None in ports:
            return False
        self.service.url = f"http://127.0.0.1:{ports[0]}"
        return self.service.ready()

    def wait_up(self):
        def up_or_ended():
            return not self.service.front.running or self.is_up()

        wait_until(up_or_ended, "jetond serves or ends", PATIENCE_S)
        return self.service.front.running

    def port(self, name):
        """What it serves on; None while it does not."""
        try:
            return int((self.service.directory / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def begin(self):
        """After everything is set up: the keys of clients."""
        key = self.service.new_client("all", MAY)
        self.app = Api(self.service, key)

    def fresh(self, n=1):
        self.number += n
        pans = [made_up(self.number - i, series="front-faults") for i in range(n)]
        self.pans += pans
        return pans if n > 1 else pans[0]

    def known(self, n, field="pan"):
        return list(self.promised[field].items())[-n:]

    def ask(self, api, method, path, body=None, good=(200,), url=None, **kwargs):
        """The answer, or None if there was none or one that says that it cannot be done now."""
        session = requests.Session()
        session.headers.update(api.session.headers)
        try:
            url = (url or self.service.url) + path
            answer = session.request(method, url, json=body, timeout=PATIENCE_S, **kwargs)
            text = answer.text
        except requests.Timeout as error:
            raise Wrong(f"{method} {path} hangs") from error
        except requests.RequestException:
            self.refused += 1
            return None
        finally:
            session.close()
        if answer.status_code in good:
            return answer
        if answer.status_code < 500 or problem(answer) is None:
            raise Wrong(f"{method} {path}: {answer.status_code} {text[:300]}")
        self.refused += 1
        return None

    def items(self, path, items):
        """The results of a batch: None where an item cannot be done now."""
        answer = self.ask(self.app, "POST", path, {"items": items})
        if answer is None:
            return None
        results = answer.json()["results"]
        if len(results) != len(items):
            raise Wrong(f"{path}: {len(results)} results of {len(items)} items")
        for result in results:
            if result["status"] >= 500:
                self.refused += 1
            elif result["status"] != 200:
                raise Wrong(f"{path}: an item has {result}")
        return [r if r["status"] == 200 else None for r in results]

    def promise(self, field, pan, token):
        if self.promised[field].setdefault(pan, token) != token:
            raise Wrong("a card has two tokens")

    def check_promises(self, n=None):
        """That tokens open, and to which cards."""
        for field, promised in self.promised.items():
            pairs = list(promised.items())[-(n or len(promised)) :]
            for start in range(0, len(pairs), 500):
                part = pairs[start : start + 500]
                items = [{"token": token} for _, token in part]
                path = f"/v1/fields/{field}/detokenize"

                def opened():
                    results = self.items(path, items)
                    return results if results and None not in results else None

                results = wait_until(opened, "tokens open", PATIENCE_S)
                if [r["pan"] for r in results] != [pan for pan, _ in part]:
                    raise Wrong("a token names another card")


def same(expected, found, what):
    if expected != found:
        raise Wrong(f"{what}: {found!r:.400} and not {expected!r:.400}")


# --- what is asked. Each asks once, and raises Wrong ---


def tokenize(w, field="pan"):
    known = [pan for pan, _ in w.known(2, field)]
    pans = w.fresh(3) + known
    results = w.items(f"/v1/fields/{field}/tokenize", [{"pan": p} for p in pans])
    for pan, result in zip(pans, results or []):
        if result is not None:
            w.promise(field, pan, result["token"])
    pan = w.fresh()
    answer = w.ask(w.app, "POST", f"/v1/fields/{field}/tokenize", {"pan": pan})
    if answer is not None:
        w.promise(field, pan, answer.json()["token"])


def tokenize_once(w):
    """With an Idempotency-Key, twice: a card that was new the first time is so again."""
    pan = w.fresh()
    headers = {"Idempotency-Key": f"once-{w.number}"}
    path, body, good = "/v1/fields/pan/tokenize", {"pan": pan, "tell_new": True}, (200, 409)
    for _ in range(2):
        answer = w.ask(w.app, "POST", path, body, good=good, headers=headers)
        if answer is None or answer.status_code == 409:
            w.refused += answer is not None
            return
        w.promise("pan", pan, answer.json()["token"])
        same(True, answer.json()["new"], "new")


def detokenize(w, field="pan"):
    pairs = w.known(4, field)
    results = w.items(f"/v1/fields/{field}/detokenize", [{"token": t} for _, t in pairs])
    for (pan, _), result in zip(pairs, results or []):
        if result is not None:
            same(pan, result["pan"], "detokenize")
    pan, token = pairs[0]
    answer = w.ask(w.app, "POST", f"/v1/fields/{field}/detokenize", {"token": token})
    if answer is not None:
        same(pan, answer.json()["pan"], "detokenize")


def masked(w):
    pan, token = w.known(1)[0]
    answer = w.ask(w.app, "GET", f"/v1/fields/pan/tokens/{token}")
    if answer is not None:
        same(pan[-4:], answer.json()["masked_pan"][-4:], "masked")
    body = {"masked": True, "items": [{"token": token}]}
    answer = w.ask(w.app, "POST", "/v1/fields/pan/detokenize", body)
    if answer is not None and answer.json()["results"][0]["status"] == 200:
        same({"status", "masked_pan"}, answer.json()["results"][0].keys(), "masked")


def lookup(w):
    pairs = w.known(3)
    results = w.items("/v1/fields/pan/lookup", [{"pan": p} for p, _ in pairs])
    for (_, token), result in zip(pairs, results or []):
        if result is not None:
            same(token, result["token"], "lookup")


def delete(w):
    pan = w.fresh()
    answer = w.ask(w.app, "POST", "/v1/fields/pan/tokenize", {"pan": pan})
    if answer is None:
        return
    token = answer.json()["token"]
    path = f"/v1/fields/pan/tokens/{token}"
    if w.ask(w.app, "DELETE", path, good=(204,)) is not None:
        w.ask(w.app, "GET", path, good=(404,))


def held(w):
    value, row = base64.b64encode(os.urandom(20)).decode(), {"row_id": f"row/{w.number}"}
    path = "/v1/fields/secret/"
    answer = w.ask(w.app, "POST", path + "encrypt", {**row, "value": value})
    if answer is None:
        return
    envelope = answer.json()["envelope"]
    answer = w.ask(w.app, "POST", path + "decrypt", {**row, "envelope": envelope})
    if answer is not None:
        same(value, answer.json()["value"], "decrypt")
    w.ask(w.app, "POST", path + "reencrypt", {**row, "envelope": envelope})


def refusals(w):
    """What is wrong with a request is told, and nothing else."""
    path = "/v1/fields/pan/tokenize"
    w.number += 1
    stranger = Api(w.service, f"jck_s{w.number}_" + "0" * 52)
    w.ask(stranger, "POST", path, {"pan": w.known(1)[0][0]}, good=(401,))
    w.ask(w.app, "POST", path, {"pan": "12"}, good=(422,))
    w.ask(w.app, "GET", "/v1/clients", good=(403,))
    w.ask(w.app, "GET", "/v1/nowhere", good=(404,))
    headers = {**w.app.session.headers, "Content-Type": "application/json"}
    try:
        url = w.service.url + path
        answer = requests.post(url, data=b'{"pan":', headers=headers, timeout=PATIENCE_S)
    except requests.RequestException:
        w.refused += 1
        return
    if answer.status_code != 400 and answer.status_code < 500:
        raise Wrong(f"half a body: {answer.status_code}")


def field_add(w):
    w.number += 1
    name = f"f{w.number}"
    body = {"name": name, "dedup": False, "rules": RULES}
    w.ask(w.service.operator, "POST", "/v1/fields", body, good=(201,))
    answer = w.ask(w.service.operator, "GET", f"/v1/fields/{name}", good=(200, 404))
    if answer is not None and answer.status_code == 200:
        found = answer.json()
        same(False, found["dedup"], "dedup of a field")
        if "rules" not in found or "token" not in found:
            raise Wrong(f"half of a field is told: {found}")
        same(RULES, {k: found["rules"].get(k) for k in RULES}, "rules of a field")


def field_change(w):
    path, operator = "/v1/fields/changing", w.service.operator
    w.number += 1
    body = {"mask_digits": 6 + 2 * (w.number % 2)}
    answer = w.ask(operator, "PATCH", path, body)
    if answer is not None:
        answer = w.ask(operator, "GET", path)
        if answer is not None:
            same(body["mask_digits"], answer.json()["mask_digits"], "a changed field")


def lists(w):
    """Answers that say how many there are of what was made before."""
    operator = w.service.operator
    for path, member, name, least in (
        ("/v1/fields", "fields", "name", {"pan", "digits", "secret", "changing"}),
        ("/v1/clients?limit=500", "clients", "id", {"app", "all", "operator"}),
        ("/v1/nodes", "nodes", "name", {"node1"}),
        ("/v1/generations", "generations", "number", {1}),
    ):
        answer = w.ask(operator, "GET", path)
        if answer is not None:
            found = {row[name] for row in answer.json()[member]}
            if not least <= found:
                raise Wrong(f"{path} lacks {least - found}")
    for path in ("/v1/custodians", "/v1/backups", "/v1/recovery", "/v1/honey"):
        w.ask(operator, "GET", path)


def status(w):
    operator = w.service.operator
    answer = w.ask(operator, "GET", "/v1/status")
    if answer is not None:
        same(
            {"ring", "keeper", "counters"}, set(answer.json()) & {"ring", "keeper", "counters"}, ""
        )
    for path in ("/livez", "/readyz", "/openapi.json"):
        answer = w.ask(operator, "GET", path)
        if answer is not None and not answer.text:
            raise Wrong(f"{path} is empty")
    url = f"http://127.0.0.1:{w.port('metrics-port')}"
    answer = w.ask(operator, "GET", "/metrics", url=url, good=(200, 503))
    if answer is not None and answer.status_code == 200 and "jeton_" not in answer.text:
        raise Wrong("metrics without metrics")


def clients(w):
    w.number += 1
    name, operator = f"c{w.number}", w.service.operator
    body = {"id": name, "permissions": ["tokenize:pan"], "networks": ["127.0.0.0/8"]}
    body["budgets"] = [{"operation": "tokenize", "per_second": 100}]
    answer = w.ask(operator, "POST", "/v1/clients", body, good=(201,))
    if answer is None:
        return
    key = answer.json()["api_key"]
    pan = w.known(1)[0][0]
    path = "/v1/fields/pan/tokenize"
    w.ask(Api(w.service, key), "POST", path, {"pan": pan})
    answer = w.ask(operator, "GET", f"/v1/clients/{name}")
    if answer is not None:
        found = {k: answer.json().get(k) for k in ("permissions", "networks")}
        same({k: body[k] for k in found}, found, "a client")
    answer = w.ask(operator, "POST", f"/v1/clients/{name}/rotate", {"overlap": 0})
    if answer is not None:
        w.ask(Api(w.service, key), "POST", path, {"pan": pan}, good=(401,))
        key = answer.json()["api_key"]
    if w.ask(operator, "POST", f"/v1/clients/{name}/disable") is not None:
        w.ask(Api(w.service, key), "POST", path, {"pan": pan}, good=(401, 403))
    if w.ask(operator, "POST", f"/v1/clients/{name}/remove") is not None:
        w.ask(Api(w.service, key), "POST", path, {"pan": pan}, good=(401,))


def generations(w):
    operator = w.service.operator
    answer = w.ask(operator, "POST", "/v1/generations", {}, good=(201, 409))
    if answer is None or answer.status_code == 409:
        answer = w.ask(operator, "GET", "/v1/generations")
        rows = answer.json()["generations"] if answer is not None else []
        for row in rows:
            if row["state"] == "future":
                path = f"/v1/generations/{row['number']}/abandon"
                w.ask(operator, "POST", path, {}, good=(200, 409))
        w.refused += 1
        return
    number = answer.json()["number"]
    path = f"/v1/generations/{number}"
    body = {"adopt_at": "2099-01-01T00:00:00Z", "accept_single_holder": "test machine"}
    w.ask(operator, "POST", f"{path}/plan", body)
    w.ask(operator, "GET", f"{path}/held")
    if w.ask(operator, "POST", f"{path}/abandon", {}) is not None:
        answer = w.ask(operator, "GET", path)
        if answer is not None:
            same("destroyed", answer.json()["state"], "an abandoned generation")


def backup(w):
    operator = w.service.operator
    answer = w.ask(operator, "POST", "/v1/backups")
    if answer is not None:
        file = answer.json()["file"]
        w.ask(operator, "POST", "/v1/backups/verify", {"file": file})


def audit(w):
    answer = w.ask(w.app, "GET", "/v1/audit?limit=20")
    if answer is not None:
        same(20, len(answer.json()["rows"]), "rows of the audit trail")
    answer = w.ask(w.app, "GET", "/v1/audit/starts")
    if answer is not None and not answer.json()["starts"]:
        raise Wrong("no starts in the audit trail")
    pan, token = w.known(1)[0]
    body = {"field": "pan", "token": token}
    w.ask(w.app, "POST", "/v1/audit/search", body)


def over_tls(w):
    url = f"https://127.0.0.1:{w.port('tls_port')}"
    pan, token = w.known(1)[0]
    verify = str(w.service.directory / "cert.pem")
    path, body = "/v1/fields/pan/detokenize", {"token": token}
    answer = w.ask(w.app, "POST", path, body, url=url, verify=verify)
    if answer is not None:
        same(pan, answer.json()["pan"], "detokenize over TLS")


def reload(w):
    """The certificate is read again."""
    w.service.front.process.send_signal(signal.SIGHUP)
    over_tls(w)


def roll(w):
    """A roll, traffic under both generations, and the retirement of the one before."""
    operator = w.service.operator
    answer = w.ask(operator, "POST", "/v1/generations", {}, good=(201, 409))
    if answer is not None and answer.status_code == 201:
        number = answer.json()["number"]
        body = {"accept_single_holder": "test machine"}
        w.ask(operator, "POST", f"/v1/generations/{number}/activate", body, good=(200, 409))
    detokenize(w)
    tokenize(w)
    answer = w.ask(operator, "GET", "/v1/generations")
    for row in answer.json()["generations"] if answer is not None else []:
        path = f"/v1/generations/{row['number']}"
        if row["state"] == "draining":
            w.ask(operator, "POST", f"{path}/retire", {}, good=(202, 409))
            end = time.monotonic() + PATIENCE_S
            while time.monotonic() < end:
                answer = w.ask(operator, "GET", f"{path}/retirement", good=(200, 404))
                if answer is None or answer.json().get("state") == "certified":
                    break


CASES = {
    "tokenize": tokenize,
    "tokenize numeric": lambda w: tokenize(w, "digits"),
    "tokenize once": tokenize_once,
    "detokenize": detokenize,
    "detokenize numeric": lambda w: detokenize(w, "digits"),
    "masked": masked,
    "lookup": lookup,
    "delete": delete,
    "held": held,
    "refusals": refusals,
    "over TLS": over_tls,
    "status": status,
    "lists": lists,
    "field add": field_add,
    "field change": field_change,
    "clients": clients,
    "generations": generations,
    "backup": backup,
    "audit": audit,
    "reload": reload,
    "roll": roll,
}
