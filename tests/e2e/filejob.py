# SPDX-License-Identifier: Apache-2.0
"""File jobs of the jeton command against a service: run to their end, or begun to be killed."""

import os
import re
import subprocess

from service import BIN


class FileJob:
    """The command with its key and directory; each `place` is a field and where it stands."""

    def __init__(self, service, directory, permissions=("tokenize", "detokenize"), client="files"):
        self.service, self.directory = service, directory
        directory.chmod(0o700)
        self.key_file = directory / f"{client}.key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(service.new_client(client, list(permissions)) + "\n")

    def path(self, name, contents=None):
        path = self.directory / name
        if contents is not None:
            path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def start(self, verb, source, out, *options, **kwargs):
        environment = {
            **os.environ,
            "JETON_URL": self.service.url,
            "JETON_KEY_FILE": str(self.key_file),
            "LC_ALL": "C",
        }
        words = [BIN / "jeton", verb, source, "--out", out, *options]
        return subprocess.Popen(
            [str(w) for w in words],
            env=environment,
            stdout=kwargs.pop("stdout", subprocess.PIPE),
            stderr=kwargs.pop("stderr", subprocess.PIPE),
            stdin=kwargs.pop("stdin", subprocess.DEVNULL),
            **kwargs,
        )

    def run(self, verb, source, out, *options, status=0, **kwargs):
        """Runs to the end, which must have this exit code; returns standard error."""
        given = kwargs.pop("input", None)
        if given is not None:
            kwargs["stdin"] = subprocess.PIPE
        process = self.start(verb, source, out, *options, **kwargs)
        self.stdout, err = process.communicate(given, timeout=300)
        text = err.decode("utf-8", "replace")
        assert process.returncode == status, (process.returncode, text)
        return text

    def leftovers(self):
        """What jobs keep to go on with."""
        return sorted(p.name for p in self.directory.iterdir() if p.suffix in (".part", ".ckpt"))


def rejected(path, encoding="ascii"):
    """[(number of the record, id of the message)] of a text file of rejects."""
    text = path.read_bytes().decode(encoding)
    return [(int(n), i) for i, n in re.findall(r"(JET\d{4}W) +(\d+) .{60}", text)]


def counted(report, name):
    """A number of the control report."""
    found = re.search(rf"^  {re.escape(name)} +([0-9,]+)\b", report.read_text(), re.M)
    assert found, (name, report.read_text())
    return int(found[1].replace(",", ""))
