# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the demonstration says about the domain, each with whether it was found to be so."""


class Claims:
    """Collects claims; one that is false does not end the story, but it ends it in failure."""

    def __init__(self):
        self.made = []

    def claim(self, text, holds, found=None):
        """Makes a claim. `found`: what was seen, for whoever reads that it is false."""
        self.made.append({"claim": text, "holds": bool(holds),
                          "found": None if found is None else str(found)})
        return bool(holds)

    @property
    def false(self):
        """Those that do not hold."""
        return [c for c in self.made if not c["holds"]]
