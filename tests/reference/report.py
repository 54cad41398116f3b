# SPDX-License-Identifier: Apache-2.0
"""What the reader found: faults by kind, notes, and lines that count. It never holds a card number
or a key.
"""

SHOWN = 20


class Report:
    """A fault makes the result bad; a note does not."""

    def __init__(self):
        self._faults = {}
        self._notes = []
        self._lines = []

    def fault(self, kind, what):
        """Only the first of a kind are kept, the others are counted."""
        kept = self._faults.setdefault(kind, [0, []])
        kept[0] += 1
        if len(kept[1]) < SHOWN:
            kept[1].append(what)

    def note(self, what):
        self._notes.append(what)

    def line(self, what):
        self._lines.append(what)

    def n_faults(self, kind=None):
        return sum(n for name, (n, _) in self._faults.items() if kind in (None, name))

    def kinds(self):
        return set(self._faults)

    def good(self):
        return not self._faults

    def text(self):
        out = list(self._lines)
        out += [f"note: {note}" for note in self._notes]
        for kind, (n, shown) in self._faults.items():
            out += [f"FAULT {kind}: {what}" for what in shown]
            if n > len(shown):
                out.append(f"FAULT {kind}: and {n - len(shown)} more")
        n = self.n_faults()
        out.append(f"result: {n} fault{'s' if n > 1 else ''}" if n else "result: all is well")
        return "\n".join(out) + "\n"
