# SPDX-License-Identifier: Apache-2.0
"""Names those of the given files that hold what could be somebody's card number.

    python3 tests/fuzz/cards.py FILE...

That is 12 to 19 digits with a right check digit, but for the numbers that card schemes publish for
tests. A fuzzer changes digits until a check digit is right by chance; such an input is not kept.
"""

import re
import sys
from pathlib import Path

PUBLISHED = {
    b"4111111111111111",
    b"4012888888881881",
    b"5555555555554444",
    b"378282246310005",
    b"371449635398431",
    b"6304000000000000",
}


def luhn(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = (digit - ord("0")) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card_like(data):
    runs = re.findall(rb"(?<![0-9])[0-9]{12,19}(?![0-9])", data)
    return any(luhn(run) and run not in PUBLISHED for run in runs)


for name in sys.argv[1:]:
    if card_like(Path(name).read_bytes()):
        print(name)
