# SPDX-License-Identifier: Apache-2.0
"""AES-SIV (RFC 5297) with any number of components of associated data; docs/derivation.md."""

from primitives import BLOCK, BlockCipher, Mac, equal


def _xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


def _double(block):
    """Doubling in GF(2^128): one bit to the left, and 0x87 into the last byte where a bit fell out
    (RFC 5297, 2.3).
    """
    value = int.from_bytes(block, "big") << 1
    if value >> 128:
        value = (value & ((1 << 128) - 1)) ^ 0x87
    return value.to_bytes(BLOCK, "big")


class Siv:
    """One key of 32, 48 or 64 bytes: the first half is S2V's, the second the cipher's."""

    def __init__(self, key):
        half = len(key) // 2
        self._mac = Mac(key[:half])
        self._cipher = BlockCipher(key[half:])
        self._zero = self._mac(bytes(BLOCK))
        self._known = {}

    def _component(self, component):
        """CMAC of a component; those that come again with each row (a header, the empty one) are
        remembered.
        """
        known = self._known.get(component)
        if known is None:
            known = self._mac(component)
            if len(self._known) < 8:
                self._known[component] = known
        return known

    def s2v(self, components, plain):
        """The tag: RFC 5297, 2.4. An empty component counts; it is not the same as none."""
        d = self._zero
        for component in components:
            d = _xor(_double(d), self._component(component))
        if len(plain) >= BLOCK:
            return self._mac(plain[:-BLOCK] + _xor(plain[-BLOCK:], d))
        return self._mac(_xor(_double(d), plain + b"\x80" + bytes(BLOCK - 1 - len(plain))))

    def _ctr(self, tag, text):
        """Counter mode from the tag with bits 31 and 63 cleared (RFC 5297, 2.5)."""
        counter = int.from_bytes(tag, "big") & ~((1 << 63) | (1 << 31))
        n_blocks = -(-len(text) // BLOCK)
        blocks = b"".join(
            ((counter + i) % (1 << 128)).to_bytes(BLOCK, "big") for i in range(n_blocks)
        )
        return _xor(self._cipher.encrypt(blocks), text)

    def seal(self, components, plain):
        """Tag (16 bytes) and ciphertext."""
        tag = self.s2v(components, plain)
        return tag + self._ctr(tag, plain)

    def open(self, components, sealed):
        """The plaintext, or None when anything is not as it was sealed."""
        if len(sealed) < BLOCK:
            return None
        tag = sealed[:BLOCK]
        plain = self._ctr(tag, sealed[BLOCK:])
        return plain if equal(self.s2v(components, plain), tag) else None
