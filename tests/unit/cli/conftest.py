# SPDX-License-Identifier: Apache-2.0
import pytest

from scripted import JETON, Script


@pytest.fixture
def script(tmp_path):
    if not JETON.exists():
        pytest.skip("JETON_BIN_DIR must name the directory of jeton")
    script = Script(tmp_path)
    yield script
    script.close()
