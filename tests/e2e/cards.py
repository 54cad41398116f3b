# SPDX-License-Identifier: Apache-2.0
"""Card numbers for tests: made up, Luhn-valid, and the same in every run."""

import hashlib

# Published by the schemes for testing; every length from 12 to 19 once more by made_up().
PUBLISHED = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
    "4222222222222",
    "6304000000000000",
]


def luhn_digit(digits):
    """The check digit that makes digits + it pass the Luhn test (ISO/IEC 7812-1 annex B)."""
    total = 0
    for i, c in enumerate(reversed(digits)):
        d = int(c)
        if i % 2 == 0:
            d = d * 2 - 9 if d > 4 else d * 2
        total += d
    return str(-total % 10)


def made_up(n, length=16, series="card"):
    """The n-th card of a series; cards of different series differ with overwhelming probability."""
    number = int.from_bytes(hashlib.sha256(f"{series}/{length}/{n}".encode()).digest(), "big")
    body = ("4" + str(number))[: length - 1]
    return body + luhn_digit(body)


def bad_luhn(n, length=16, series="card"):
    good = made_up(n, length, series)
    return good[:-1] + str((int(good[-1]) + 1) % 10)


def packed(pan):
    """The packed form (docs/data-format.md): what a memory dump or a careless column would show."""
    return bytes.fromhex(pan + "f" * (len(pan) % 2))
