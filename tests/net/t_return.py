# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Home and back again (draft 4.3, 5.1.3): nodes that still have an entry of the MN's last visit."""

from figure5 import attach, counter
from lab import test
from t_handover import move_with_stream

TOUR = ("mag-1a", "h-lma", "mag-1a", "h-lma", "mag-1b", "mag-2", "mag-1a", "mag-2", "h-lma")


@test(rows=["A9", "B8"], limit_s=180, slow=True)
def there_and_back(lab):
    """A previous D-LMA that becomes the D-LMA again sends nothing back to where it came from."""
    lab.start_dlma()
    hoa = attach(lab, TOUR[0])
    for old, new in zip(TOUR, TOUR[1:]):
        _, packets, result = move_with_stream(lab, hoa, old, new, gap_ms=20)
        on_link = {p.sequence for p in packets if p.interface == f"{old}.acc0" or
                   (p.tunnelled and p.outer.dst == lab.address(old))}
        elsewhere = [s for s in result.missing() if s not in on_link]
        assert elsewhere == [], f"{old} to {new}: lost, but not where the MN was: {elsewhere}"
        assert len(result.missing()) < 100, f"{old} to {new}: {len(result.missing())} lost"
        assert result.duplicates == 0
    for node in ("h-lma", "v-lma-1", "v-lma-2"):
        assert counter(lab, node, "tunnel_loop") == 0, node
        assert counter(lab, node, "not_held") == 0, node
