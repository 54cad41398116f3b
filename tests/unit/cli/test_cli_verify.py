# SPDX-License-Identifier: Apache-2.0
"""`jeton verify certificate`, against signatures that another library made."""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TEXT = "jeton retirement certificate v1\nenvironment: development\ngeneration: 7\nrows-left: 0\n"


def encoded(data):
    return base64.b64encode(data).decode()


def signed(text=TEXT, key=None):
    key = key or Ed25519PrivateKey.generate()
    public = encoded(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    return f"{text}signature: {encoded(key.sign(text.encode()))}\npublic-key: {public}\n", public


def verify(script, content, *options, status=0):
    path = script.directory / "certificate"
    path.write_text(content)
    return script.jeton("verify", "certificate", path, *options, status=status)


def test_a_good_one_needs_nothing_but_the_public_key(script):
    content, public = signed()
    done = verify(script, content, "--public-key", public)
    assert done.out == TEXT + "The signature is good.\n"
    assert "Compare that key" in verify(script, content).out
    assert script.requests == []


def test_whatever_is_altered_is_refused(script):
    content, public = signed()
    other = signed()[1]
    for altered in (
        content.replace("generation: 7", "generation: 8"),
        content.replace("rows-left: 0", "rows-left: 1"),
        content.replace("public-key: " + public, "public-key: " + other),
    ):
        assert "SIGNATURE IS NOT GOOD" in verify(script, altered, status=1).err
    assert "SIGNATURE IS NOT GOOD" in verify(script, content, "--public-key", other, status=1).err


def test_what_is_no_certificate_or_has_more_than_one_is_refused(script):
    content, public = signed()
    for wrong in (
        "",
        "x" * 4000,
        TEXT,
        content + "one line more\n",
        "one line before\n" + content,
        content.replace("signature: ", "signed: "),
        content[:-1],
        content.replace("public-key", "\npublic-key"),
        signed("jeton something else\n")[0],
        signed(TEXT + "\x1b[2J\n")[0],
        content.replace(public, public[:-4]),
    ):
        done = verify(script, wrong, status=1)
        assert done.out == "" and "certificate" in done.err
    assert "32 bytes" in verify(script, content, "--public-key", "abc", status=64).err
    script.jeton("verify", "certificate", script.directory / "missing", status=1)
