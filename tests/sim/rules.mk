# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The simulator: production core, wire and data path in virtual time.

SIM_SRC := $(wildcard tests/sim/*.c)
SIM_CPPFLAGS := -Itests/sim/shim

$(call obj,tests/sim/path.c): CPPFLAGS := $(SIM_CPPFLAGS) $(CPPFLAGS)

$(BUILD)/sim: $(call obj,$(SIM_SRC)) $(PURE) $(BASE)
	$(call say,LINK,$@)
	$(link) -lm

