# SPDX-License-Identifier: Apache-2.0
"""Custodians for tests: keys where they sit, and what they sign, by the command line."""

import os

from service import wait_until

PASSPHRASE = "correct horse battery"


class Custodians:
    """Makes custodians' keys, and enrolls them with the service's machine stopped."""

    def __init__(self, service, *names):
        self.service = service
        self.directory = service.directory / "custodians"
        self.directory.mkdir(exist_ok=True)
        self.phrase = self.directory / "passphrase"
        if not self.phrase.exists():
            self.phrase.touch(0o600)
            self.phrase.write_text(PASSPHRASE + "\n", encoding="ascii")
        self.texts = {name: self.make(name) for name in names}

    def make(self, name):
        done = self.service.jeton(
            "custodian", "key", self.key(name), "--name", name, "--passphrase-file", self.phrase
        )
        return done.stdout.strip()

    def key(self, name):
        return self.directory / f"{name}.key"

    def enroll(self, node=None):
        """By a keeper of one command, so the node's own is stopped for that moment."""
        node = node or self.service
        assert node.keeper.stop() == 0
        done = node.jeton("custodian", "enroll", *self.texts.values(), check=False)
        node.start_keeper()
        node.wait_ready()
        return done

    def approve(self, number, name, node=None, check=True, more=()):
        return self.sign(("keys", "approve", number), name, node, check, more)

    def approve_recovery(self, name, node=None, check=True):
        return self.sign(("recover", "approve"), name, node, check)

    def recover(self, node=None, names=None, **options):
        """Waits until the keeper refuses the database, asks, and approves by two; all nodes are
        ready again afterwards.
        """
        node = node or self.service
        wait_until(lambda: self.is_refused(node) or options, "the keeper refuses the database")
        node.jeton("recover", "ask", *(x for k, v in options.items() for x in (f"--{k}", v)))
        for name in names or list(self.texts)[:2]:
            self.approve_recovery(name, node)
        for each in self.service.nodes:
            each.wait_ready()

    @staticmethod
    def is_refused(node):
        answer = node.operator.get("/v1/recovery")
        return answer.status_code == 200 and answer.json()["disagrees"]

    def sign(self, command, name, node=None, check=True, more=()):
        return (node or self.service).jeton(
            *command,
            "--custodian",
            name,
            "--key",
            self.key(name),
            "--passphrase-file",
            self.phrase,
            "--yes",
            *more,
            check=check,
        )


def destruction(service, number):
    answer = service.operator.get(f"/v1/generations/{number}/destruction")
    assert answer.status_code == 200, answer.text
    return answer.json()


def destroy(service, custodians, number, names=None):
    """The whole of it, to the certificate."""
    answer = service.operator.post(f"/v1/generations/{number}/destroy")
    assert answer.status_code == 200, answer.text
    for name in names or list(custodians.texts)[:2]:
        custodians.approve(number, name)
    return wait_until(
        lambda: (now := destruction(service, number))["state"] == "certified" and now,
        f"generation {number} is gone everywhere",
    )


def key_files(node):
    return sorted(os.path.basename(p) for p in node.keeper_directory.glob("generation-*"))
