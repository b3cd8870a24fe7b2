#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes include/dlma/abi.h as a later version might have it: one more field, another number.

    next_layout.py ABI.H NEXT-ABI.H
"""

import re
import sys

LATER = 1000


def changed(text):
    """The header with a new first field in struct dlma_access, which moves all others."""
    text, versions = re.subn(r"(?m)^(#define DLMA_ABI_VERSION )(\d+)$",
                             lambda m: f"{m[1]}{int(m[2]) + LATER}", text)
    text, fields = re.subn(r"(?m)^struct dlma_access \{$", "\\g<0>\n\t__u64 added;", text)
    text, sizes = re.subn(r"(sizeof\(struct dlma_access\) == )(\d+)",
                          lambda m: f"{m[1]}{int(m[2]) + 8}", text)
    assert versions == fields == sizes == 1, "the header does not look as expected"
    return text


with open(sys.argv[1], encoding="utf-8") as source, \
        open(sys.argv[2], "w", encoding="utf-8") as target:
    target.write(changed(source.read()))
