# SPDX-License-Identifier: Apache-2.0
"""Where the vectors and the pages are: the checkout, or the copy that ./runtests gives to the
services' user.
"""

import os
from pathlib import Path

TREE = Path(os.environ.get("JETON_TREE") or Path(__file__).resolve().parents[2])
VECTORS = TREE / "tests" / "vectors" / "crypto"
DERIVATION = TREE / "docs" / "derivation.md"


def blocks(name):
    """A file of vectors: each block a list of (name, bytes), for names may come more than once."""
    found, block = [], []
    for line in (VECTORS / name).read_text(encoding="ascii").splitlines() + [""]:
        if line.startswith("#"):
            continue
        if line.strip():
            key, _, value = line.partition("=")
            block.append((key.strip(), bytes.fromhex(value.strip())))
        elif block:
            found.append(block)
            block = []
    assert found, f"{name} holds no vectors"
    return found
