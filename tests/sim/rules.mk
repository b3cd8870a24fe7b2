# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The simulator: production core, wire and data path in virtual time.

SIM_SRC := $(wildcard tests/sim/*.c)
SIM_CPPFLAGS := -Itests/sim/shim

$(call obj,tests/sim/path.c): CPPFLAGS := $(SIM_CPPFLAGS) $(CPPFLAGS)

$(BUILD)/sim: $(call obj,$(SIM_SRC)) $(PURE) $(BASE)
	$(call say,LINK,$@)
	$(link) -lm

# SEEDS=N runs so many, from FIRST on.
SEEDS ?= 1000
FIRST ?= 1

.PHONY: sim
sim: $(BUILD)/sim ## simulate whole domains (SEEDS=1000 FIRST=1)
	$(Q)$(BUILD)/sim --first $(FIRST) --seeds $(SEEDS)

test-programs: $(BUILD)/sim
