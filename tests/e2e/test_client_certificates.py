# SPDX-License-Identifier: Apache-2.0
"""Clients that are bound to a certificate: the key alone opens nothing."""

import contextlib
import datetime
import hashlib
import os
import socket
import ssl
import subprocess
import time

import pytest

from cards import made_up
from service import BIN, TREE, Api, problem, wait_until
from test_tls import TlsService, make_certificate, start_front_that_refuses, tls_options

FELT_S = 1.5  # the last entry of a change, by the service's promise: "about a second"
PATH = "/v1/fields/pan/tokenize"
BODY = {"pan": made_up(1, series="mtls")}


class Identity:
    """A client's certificate and key, signed by itself or by `issuer`."""

    def __init__(self, directory, name, issuer=None, days=None):
        self.certificate, self.key = directory / f"{name}.pem", directory / f"{name}.key"
        request = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        request += ["-nodes", "-subj", f"/CN={name}", "-keyout", self.key]
        if issuer is None and days is None:
            run([*request, "-x509", "-days", "2", "-out", self.certificate])
        else:
            asked = directory / f"{name}.csr"
            run([*request, "-out", asked])
            sign = ["-CA", issuer.certificate, "-CAkey", issuer.key] if issuer else []
            sign = sign or ["-signkey", self.key]
            run(
                ["openssl", "x509", "-req", "-in", asked, "-days", str(days or 2), *sign]
                + ["-CAcreateserial"] * bool(issuer)
                + ["-out", self.certificate]
            )

    @property
    def digest(self):
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        return hashlib.sha256(der).hexdigest()

    @property
    def pair(self):
        return (str(self.certificate), str(self.key))


def run(arguments):
    subprocess.run(
        [str(a) for a in arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class OverTls(Api):
    """The API over TLS as one who shows a certificate, or none."""

    def __init__(self, tls, key, identity=None):
        super().__init__(tls, key)
        self.session.trust_env = False  # else a bundle named there is trusted instead
        self.session.verify = str(tls.certificate)
        self.session.cert = identity and identity.pair

    def status(self):
        return self.post(PATH, BODY).status_code


@pytest.fixture
def tls(service):
    make_certificate(service.directory)
    service.stop()
    service.configure(**tls_options(service.directory, front_client_certificates="optional"))
    return TlsService(service).start()


@pytest.fixture
def identities(tmp_path):
    made = {}

    def identity(name, **kwargs):
        if name not in made:
            made[name] = Identity(tmp_path, name, **kwargs)
        return made[name]

    return identity


def add(tls, name, *identities, **more):
    body = {"id": name, "permissions": ["tokenize"], **more}
    answer = tls.service.operator.post(
        "/v1/clients", {**body, "certificates": [i.digest for i in identities]}
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["certificates"] == sorted(i.digest for i in identities)
    return answer.json()["api_key"]


def bind(tls, name, *identities):
    body = {"permissions": ["tokenize"], "certificates": [i.digest for i in identities]}
    answer = tls.service.operator.post(f"/v1/clients/{name}/permit", body)
    assert answer.status_code == 200, answer.text


def felt(api, status):
    began = time.monotonic()
    wait_until(lambda: api.status() == status, f"the client gets {status}", FELT_S)
    return time.monotonic() - began


def test_a_bound_key_is_good_with_its_certificate_only(tls, identities):
    own, other = identities("own"), identities("other")
    key = add(tls, "bound", own)
    service = tls.service
    before = service.operator.get("/v1/status").json()["connections"]
    assert OverTls(tls, key, own).status() == 200
    plain = Api(service, key)
    wrong = Api(service, "jck_bound_" + "0" * 52).post(PATH, BODY)
    answers = [
        OverTls(tls, key).post(PATH, BODY),
        OverTls(tls, key, other).post(PATH, BODY),
        plain.post(PATH, BODY),
        plain.get("/v1/status"),
    ]
    assert wrong.status_code == 401
    for answer in answers:
        assert (answer.status_code, answer.text) == (401, wrong.text)
        assert set(answer.headers) == set(wrong.headers)
    after = service.operator.get("/v1/status").json()["connections"]
    assert after["logins_without_certificate"] == before["logins_without_certificate"] + 4
    assert after["logins_refused"] == before["logins_refused"] + 5
    # whoever is not bound comes as before, with any certificate or none
    for identity in (None, other):
        assert OverTls(tls, service.app_key, identity).status() == 200
    wait_until(
        lambda: service.sql(
            "SELECT coalesce(sum(n_items), 0) FROM audit WHERE action = 41 AND client = 'bound'"
            " AND object LIKE 'POST %: client-certificate'"
        )
        == [(3,)],
        "the refusals are in the audit trail",
    )
    assert "without the certificate that their client must show" in service.front_log.read_text()


def test_what_a_loop_remembers_opens_nothing_to_another_connection(tls, identities):
    """One loop: the key is known to it, and asked about on connections of every kind in turn."""
    service = tls.service
    service.front.stop()
    service.configure(
        **tls_options(service.directory, front_client_certificates="optional", front_loops=1)
    )
    tls.start()
    own = identities("own")
    key = add(tls, "bound", own)
    good = OverTls(tls, key, own)
    for _ in range(3):  # fewer than ten: the client is not locked out
        assert good.status() == 200
        assert OverTls(tls, key).status() == 401
        assert good.status() == 200
        assert Api(service, key).post(PATH, BODY).status_code == 401


def test_a_unix_socket_shows_no_certificate(tls, identities):
    service = tls.service
    path = service.directory / "front.sock"
    service.front.stop()
    service.configure(
        **tls_options(service.directory, front_client_certificates="optional"),
        front_listen=f"127.0.0.1, unix:{path}",
    )
    tls.start()
    key = add(tls, "bound", identities("own"))
    for given, status in ((key, b"401"), (service.operator.key, b"200")):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(path))
            sock.sendall(
                b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Authorization: Bearer " + given.encode() + b"\r\n\r\n"
            )
            assert sock.recv(4096).split()[1] == status


def test_failures_lock_out_as_those_of_a_wrong_key_do(tls, identities):
    own = identities("own")
    key = add(tls, "bound", own)
    api = OverTls(tls, key)
    assert [api.status() for _ in range(11)] == [401] * 10 + [429]
    assert OverTls(tls, key, own).status() == 429  # from the same place


def test_a_renewal_with_two_certificates(tls, identities):
    old, new, third = (identities(name) for name in ("old", "new", "third"))
    service = tls.service
    key = add(tls, "bound", old)
    with_old, with_new = OverTls(tls, key, old), OverTls(tls, key, new)
    assert with_old.status() == 200
    done = service.jeton(
        *("client", "permit", "bound", "--may", "tokenize"),
        *("--certificates", f"{old.certificate},{new.digest.upper()}"),
    )
    assert done.stdout == "Client bound may now: tokenize\n"
    felt(with_new, 200)
    assert with_old.status() == 200
    shown = service.jeton("client", "show", "bound").stdout
    assert old.digest in shown and new.digest in shown
    bind(tls, "bound", new)
    took = felt(with_old, 401)  # on the connection that it has
    assert with_new.status() == 200
    bind(tls, "bound")
    felt(OverTls(tls, key, third), 200)
    service.jeton("client", "permit", "bound", "--may", "tokenize", "--certificates", new.digest)
    felt(with_old, 401)
    told = service.sql("SELECT object FROM audit WHERE object ~ '^bound:' ORDER BY at")
    assert [row[0] for row in told] == [
        "bound: tokenize" + "".join(f" certificate={c}" for c in certificates)
        for certificates in (
            [old.digest],
            sorted([old.digest, new.digest]),
            [new.digest],
            ["none"],
            [new.digest],
        )
    ]
    # what is not said stays: new permissions, the same certificate
    service.jeton("client", "permit", "bound", "--may", "tokenize,lookup")
    listed = service.operator.get("/v1/clients/bound").json()
    assert (listed["certificates"], len(listed["permissions"])) == ([new.digest], 2)
    print(f"the end of a certificate was felt after {took:.3f} s")


def test_a_certificate_counts_while_it_is_valid(tls, identities):
    """It ends during a connection that was good; before that, one that is over."""
    over = identities("over", days=-1)
    key = add(tls, "over", over)
    assert OverTls(tls, key, over).status() == 401
    soon = short_lived(identities, 4)
    key = add(tls, "soon", soon)
    api = OverTls(tls, key, soon)
    assert api.status() == 200
    began = time.monotonic()
    wait_until(lambda: api.status() == 401, "the certificate ends", 8)
    assert 1.5 < time.monotonic() - began < 6


def short_lived(identities, seconds):
    """A certificate that is good for so many seconds, by a CA that signs to the second."""
    issuer = identities("issuer")
    directory = issuer.key.parent
    soon = Identity(directory, "soon")  # for its key
    asked = directory / "soon.csr"
    run(["openssl", "req", "-new", "-key", soon.key, "-subj", "/CN=soon", "-out", asked])
    (directory / "index").write_text("")
    (directory / "ca.conf").write_text(
        f"[ca]\ndefault_ca = x\n[x]\ndatabase = {directory}/index\nnew_certs_dir = {directory}\n"
        "default_md = sha256\npolicy = p\nrand_serial = yes\n[p]\ncommonName = supplied\n"
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    end = (now + datetime.timedelta(seconds=seconds)).strftime("%Y%m%d%H%M%SZ")
    run(
        ["openssl", "ca", "-batch", "-config", directory / "ca.conf", "-in", asked]
        + ["-cert", issuer.certificate, "-keyfile", issuer.key, "-notext"]
        + ["-startdate", now.strftime("%Y%m%d%H%M%SZ"), "-enddate", end, "-out", soon.certificate]
    )
    return soon


def test_where_certificates_are_not_asked_for_a_bound_key_is_refused(tls, identities):
    own = identities("own")
    key = add(tls, "bound", own)
    service = tls.service
    service.front.stop()
    service.configure(**tls_options(service.directory))
    tls.start()
    assert OverTls(tls, key, own).status() == 401
    assert OverTls(tls, service.app_key, own).status() == 200


def test_required_and_an_authority(tls, identities):
    authority, stranger = identities("authority"), identities("stranger")
    own = identities("own", issuer=authority)
    service = tls.service
    key = add(tls, "bound", own)
    service.front.stop()
    options = tls_options(
        service.directory,
        front_client_certificates="required",
        front_client_ca_file=authority.certificate,
    )
    service.configure(**options)
    tls.start()
    assert OverTls(tls, key, own).status() == 200
    assert OverTls(tls, service.app_key, own).status() == 200
    for identity in (None, stranger):
        with pytest.raises(OSError):
            OverTls(tls, service.app_key, identity).status()
    assert service.app.post(PATH, BODY).status_code == 200  # the plain listener asks for none
    service.front.stop()
    service.configure(**{**options, "front_client_certificates": "none"})
    assert "client_ca_file" in start_front_that_refuses(service)
    service.configure(
        **{
            **options,
            "front_client_ca_file": "",
            "front_tls_certificate": "",
            "front_tls_listen": "",
        }
    )
    assert "tls_certificate is not set" in start_front_that_refuses(service)
    service.configure(**options)
    tls.start()


def test_operators_with_certificates(tls, identities):
    """The command shows one; who bound himself to one that is lost gets back in on the machine."""
    own = identities("own")
    service = tls.service
    permissions = service.operator.get("/v1/clients/operator").json()["permissions"]
    body = {"permissions": permissions, "certificates": [own.digest]}
    assert service.operator.post("/v1/clients/operator/permit", body).status_code == 200
    wait_until(lambda: service.operator.get("/v1/status").status_code == 401, "it is bound", FELT_S)
    there = {"JETON_URL": tls.url, "JETON_CA_FILE": str(tls.certificate)}
    refused = service.jeton("status", env=there, check=False)
    assert refused.returncode != 0 and "unauthorized" in refused.stderr
    files = ["--cert-file", own.certificate, "--cert-key-file", own.key]
    assert service.jeton("client", "show", "operator", *files, env=there).returncode == 0
    both = own.key.parent / "both.pem"
    both.write_text(own.certificate.read_text() + own.key.read_text())
    assert service.jeton("status", env={**there, "JETON_CERT_FILE": str(both)}).returncode == 0
    service.stop()
    found = own.key.parent / "operator.key"
    service.jeton(
        *("client", "recover", "operator", "--reason", "certificate lost"),
        *("--key-file-out", found),
    )
    tls.start()
    answer = Api(service, found.read_text().strip()).get("/v1/clients/operator")
    assert (answer.status_code, answer.json()["certificates"]) == (200, [])


def test_the_client_in_python_shows_a_certificate(tls, identities, monkeypatch):
    monkeypatch.syspath_prepend(str(TREE / "docs" / "examples"))
    from jeton import Client, JetonError

    own = identities("own")
    key = add(tls, "bound", own)
    common = {"key": key, "ca_file": str(tls.certificate)}
    with Client(tls.url, **common, cert_file=own.pair[0], cert_key_file=own.pair[1]) as jeton:
        assert len(jeton.tokenize("pan", BODY["pan"])) > 20
    with Client(tls.url, **common) as jeton, pytest.raises(JetonError) as refused:
        jeton.tokenize("pan", BODY["pan"])
    assert refused.value.status == 401


def test_the_library_shows_a_certificate(tls, identities, tmp_path):
    own = identities("own")
    key_file = tmp_path / "bound.key"
    key_file.write_text(add(tls, "bound", own))
    key_file.chmod(0o600)
    shown = {"JETON_CERT_FILE": own.pair[0], "JETON_CERT_KEY_FILE": own.pair[1]}
    for environment, status in ((shown, 0), ({}, 1)):
        done = subprocess.run(
            [BIN / "cards", "tokenize", tls.url, key_file, "pan"],
            input=BODY["pan"] + "\n",
            env={**os.environ, "JETON_CA_FILE": str(tls.certificate), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode == 0) == (status == 0), done.stderr
        assert len(done.stdout.split()) == 1 - status


def test_certificates_have_one_form(tls, identities):
    own = identities("own")
    operator = tls.service.operator
    for bad in (
        [own.digest.upper()],
        [own.digest, own.digest],
        [own.digest[:-1]],
        [own.digest + "0"],
        ["0" * 64],
        [f"{i:064x}" for i in range(1, 4)],
        own.digest,
        [7],
        {},
        None,
    ):
        answer = operator.post(
            "/v1/clients", {"id": "bad", "permissions": ["tokenize"], "certificates": bad}
        )
        assert (answer.status_code, problem(answer)) == (422, "invalid-value"), bad
        assert own.digest not in answer.text


def test_a_large_chain_of_a_stranger_is_not_held(tls, identities, tmp_path):
    """What a stranger sends with a handshake is bounded: 16 KiB of certificates."""
    own = identities("own")
    chain = tmp_path / "chain.pem"
    chain.write_text(own.certificate.read_text() * 60)
    context = ssl.create_default_context(cafile=tls.certificate)
    context.load_cert_chain(chain, own.key)
    before = tls.connections()["tls_failures"]
    with socket.create_connection(("127.0.0.1", tls.port), timeout=10) as raw:
        with contextlib.suppress(ssl.SSLError, OSError):
            with context.wrap_socket(raw, server_hostname="localhost") as sock:
                sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert sock.recv(100) == b""
    wait_until(lambda: tls.connections()["tls_failures"] == before + 1, "it is refused")
