# SPDX-License-Identifier: Apache-2.0
"""Bytes that are read from front to end."""


class Malformed(Exception):
    """Bytes that are not what the pages say."""


class Bytes:
    """Bytes that are taken from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise Malformed("shorter than it says")
        self.at += n
        return self.data[self.at - n : self.at]

    def u8(self):
        return self.take(1)[0]

    def text(self):
        return self.take(self.u8()).decode("ascii")

    def end(self):
        if self.at != len(self.data):
            raise Malformed("longer than it says")
