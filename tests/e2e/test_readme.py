# SPDX-License-Identifier: Apache-2.0
"""The session in the README works when pasted."""

import json
import os
import re
import subprocess
from pathlib import Path

README = Path(os.environ.get("JETON_README", Path(__file__).resolve().parents[2] / "README.md"))


def test_the_first_session_works_when_pasted(shared):
    session = re.search(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.S).group(1)
    environment = {
        "PATH": os.environ["PATH"],
        "JETON_URL": shared.url,
        "APP_KEY": shared.app_key,
        "OPERATOR_KEY": shared.operator_key_file.read_text(encoding="ascii").strip(),
    }
    # Each answer ends its line, so that a person sees them apart.
    done = subprocess.run(
        ["bash", "-eu"],
        input=session,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    one, back, many, generations, refused = answers
    assert one["token"].startswith("jtk_")
    assert back == {"pan": "4111111111111111"}
    assert [r["status"] for r in many["results"]] == [200, 422, 200]
    assert generations["generations"][0]["state"] == "active"
    assert refused["type"] == "urn:jeton:problem:forbidden"
