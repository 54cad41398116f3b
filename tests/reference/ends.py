# SPDX-License-Identifier: Apache-2.0
"""Custodians and destroyed keys: rows, files, approvals and the second certificate;
docs/keeper-protocol.md, "Custodians" and "Destruction".
"""

import hashlib
import struct
import zlib

import kdf
import recovery
import rows
from keyfiles import ENVIRONMENTS
from pieces import Bytes, Malformed
from primitives import sign_public_key, signature_is_good

TITLE = "jeton destruction certificate v1"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ENTRY = struct.Struct(">Q8s32sBQQQI64s")
NEEDED = 2


def base32(data):
    """Crockford's, lower case, the last character padded with zero bits."""
    bits = int.from_bytes(data, "big") << (-len(data) * 8 % 5)
    n = (len(data) * 8 + 4) // 5
    return "".join(ALPHABET[bits >> 5 * (n - 1 - i) & 31] for i in range(n))


def custodian_text(name, key):
    """jcp_, the name, and the key with its check sum."""
    crc = zlib.crc32(name.encode("ascii") + b"\0" + key)
    return f"jcp_{name}_" + base32(key + struct.pack(">I", crc))


class CustodianSet:
    """The body of a custodian row."""

    def __init__(self, body):
        b = Bytes(body)
        form, self.environment, self.version, self.root_check = struct.unpack(">BBQ8s", b.take(18))
        if form != 1:
            raise Malformed("not of format 1")
        self.keys = {}
        n = b.u8()
        for _ in range(n):
            name = b.text()
            self.keys[name] = b.take(32)
        self.approvals = [(b.text(), b.take(64)) for _ in range(b.u8())]
        b.end()
        if not 2 <= n <= 16 or len(self.keys) != n or len(set(self.keys.values())) != n:
            raise Malformed("not 2 to 16 different custodians")

    def text(self):
        """What two custodians of the version before have signed."""
        lines = [
            ("act", "replace-custodians"),
            ("environment", ENVIRONMENTS[self.environment]),
            ("service-root", self.root_check.hex()),
            ("version", self.version),
            *(("custodian", custodian_text(*c)) for c in self.keys.items()),
        ]
        return "jeton custodian approval v1\n" + "".join(f"{n}: {v}\n" for n, v in lines)

    def approved_by(self, approvals, text):
        """Names of those of this set who have signed the text."""
        return {
            name
            for name, signature in approvals
            if name in self.keys
            and signature_is_good(self.keys[name], signature, text.encode("ascii"))
        }


class Request:
    """The body of a destruction request."""

    def __init__(self, body):
        b = Bytes(body)
        self.generation, self.key_id, self.check, self.system, self.timeline, n = struct.unpack(
            ">QB8sQII", b.take(33)
        )
        self.text = b.take(n).decode("ascii")
        b.end()
        self.digest = hashlib.sha256(body).digest()

    def lines(self, *names):
        """Lines of the text that have one of these names."""
        return [line for line in self.text.split("\n") if line.split(": ")[0] in names]

    def erased_message(self, node, incarnation):
        """What a keeper MACs that holds the key no more."""
        head = struct.pack(">Q8s32s", self.generation, self.check, self.digest)
        return head + rows.text(node) + incarnation


def read_custodians(data, macs):
    """The file of a keeper's directory."""
    b = Bytes(data)
    if b.take(8) != b"JTCUSTOS":
        raise Malformed("not a file of custodians")
    (n,) = struct.unpack(">H", b.take(2))
    body, mac = b.take(n), b.take(16)
    b.end()
    if not macs.good(rows.MAC_CUSTODIANS, body, mac):
        raise Malformed("its MAC is not the service root's")
    return CustodianSet(body)


def read_destructions(data, macs):
    """(generation, check value, digest, cancelled, grace, passed) of each entry."""
    if not macs.good(rows.MAC_DESTRUCTIONS, data[:-16], data[-16:]):
        raise Malformed("its MAC is not the service root's")
    b = Bytes(data[:-16])
    magic, form, _, n = struct.unpack(">8sBBH", b.take(12))
    if magic != b"JTKDESTR" or form != 1:
        raise Malformed("not a file of destructions of format 1")
    entries = [ENTRY.unpack(b.take(ENTRY.size))[:6] for _ in range(n)]
    b.end()
    return entries


class EndChecks:
    """Reports a fault for each row of custodians and destructions that is not as it must be."""

    def __init__(self, keys, tables, report):
        self.keys, self.report = keys, report
        self.tables = tables
        self.macs = rows.RowMacs(keys.root)
        self.public_key = sign_public_key(kdf.from_service_root(keys.root, "sign"))
        self.generations = {row["number"]: row for row in tables["generation"]}
        self.sets = {}

    def run(self):
        for name, read in (("custodians", read_custodians), ("destructions", read_destructions)):
            path = self.keys.directory / name
            if path.exists():
                self._try("key file", name, lambda p=path, r=read: r(p.read_bytes(), self.macs))
        self._custodians()
        n_good = sum(self._destruction(row) for row in self.tables["destruction"])
        self.report.line(f"destroyed keys: {n_good} certificates good")
        recovery.RecoveryChecks(self.macs, self.sets, self.tables, self.report).run()

    def _try(self, kind, what, read):
        try:
            return read()
        except (Malformed, ValueError, struct.error) as error:
            self.report.fault(kind, f"{what}: {error}")
            return None

    def _custodians(self):
        before = None
        for row in sorted(self.tables["custodian_set"], key=lambda r: r["version"]):
            what = f"version {row['version']}"
            if not self.macs.good(rows.MAC_CUSTODIANS, row["body"], row["mac"]):
                self.report.fault("custodians", f"{what}: its MAC is not the service root's")
                continue
            found = self._try("custodians", what, lambda r=row: CustodianSet(r["body"]))
            if found is None:
                continue
            if found.version != row["version"]:
                self.report.fault("custodians", f"{what}: the body has another version")
            if before is not None and found.version == before.version + 1:
                if len(before.approved_by(found.approvals, found.text())) < NEEDED:
                    self.report.fault("custodians", f"{what}: not approved by two of those before")
            self.sets[found.version] = before = found

    def _destruction(self, row):
        what = f"generation {row['generation']}"
        if not self.macs.good(rows.MAC_DESTRUCTION, row["body"], row["mac"]):
            self.report.fault("destruction", f"{what}: its MAC is not the service root's")
            return False
        request = self._try("destruction", what, lambda: Request(row["body"]))
        generation = self.generations.get(row["generation"])
        if request is None or generation is None:
            return False
        if (request.generation, request.key_id, request.check) != (
            row["generation"],
            generation["key_id"],
            generation["check_value"],
        ):
            self.report.fault("destruction", f"{what}: of another key")
        if row["certificate"] is None:
            return False
        if generation["state"] != rows.DESTROYED:
            self.report.fault("destruction", f"{what}: certified, and not destroyed")
        if row["generation"] in self.keys.generations:
            self.report.fault("key file", f"{what}: its key is here, and certified as erased")
        return self._certificate(what, row, request)

    def _certificate(self, what, row, request):
        faults = self.report.n_faults("certificate")
        text = row["certificate"]
        if row["public_key"] != self.public_key:
            self.report.fault("certificate", f"{what}: the public key is not the service root's")
        if not signature_is_good(self.public_key, row["signature"], text.encode("ascii")):
            self.report.fault("certificate", f"{what}: the signature is not that of the text")
        head = [
            TITLE,
            f"environment: {ENVIRONMENTS[self.keys.environment]}",
            f"generation: {request.generation}",
            f"key-id: {request.key_id}",
            f"check-value: {request.check.hex()}",
            *request.lines("certificate-sha256", "retired-in", "held"),
        ]
        lines = text.split("\n")
        if lines[: len(head)] != head:
            self.report.fault("certificate", f"{what}: it is not of the request")
        retirement = next(
            (r for r in self.tables["retirement"] if r["generation"] == row["generation"]), {}
        )
        digest = hashlib.sha256((retirement.get("certificate") or "").encode("utf-8")).hexdigest()
        if f"certificate-sha256: {digest}" not in head:
            self.report.fault("certificate", f"{what}: of another retirement")
        self._backups(what, lines, request)
        self._approvals(what, lines, request)
        self._erasures(what, lines, request)
        return self.report.n_faults("certificate") == faults

    def _approvals(self, what, lines, request):
        named = [x.removeprefix("approved-by: ") for x in lines if x.startswith("approved-by: ")]
        approvals = [
            (a["custodian"], a["signature"])
            for a in self.tables["approval"]
            if a["generation"] == request.generation
        ]
        for custodians in self.sets.values():
            signed = custodians.approved_by(approvals, request.text)
            texts = {custodian_text(name, custodians.keys[name]) for name in signed}
            if len(named) >= NEEDED and set(named) <= texts:
                return
        self.report.fault("certificate", f"{what}: not approved by those whom it names")

    def _backups(self, what, lines, request):
        """Those named have the key, as far as their receipts are still there."""
        key = (request.generation, request.key_id, request.check)
        named = [x.removeprefix("backup: ") for x in lines if x.startswith("backup: ")]
        for row in self.tables["backup"]:
            receipt = rows.decode_receipt(row["body"])
            if row["digest"].hex() in named and (receipt is None or key not in receipt[1]):
                self.report.fault("certificate", f"{what}: a backup that it names lacks the key")

    def _erasures(self, what, lines, request):
        named = [x.removeprefix("erased-by: ") for x in lines if x.startswith("erased-by: ")]
        for row in self.tables["destruction_node"]:
            said = f"{row['node']} {(row['keeper_incarnation'] or b'').hex()}"
            if row["generation"] == request.generation and said in named:
                message = request.erased_message(row["node"], row["keeper_incarnation"])
                if not self.macs.good(rows.MAC_ERASED, message, row["mac"]):
                    self.report.fault("certificate", f"{what}: the word of a keeper is not one")
        if not named:
            self.report.fault("certificate", f"{what}: no node has erased the key")
