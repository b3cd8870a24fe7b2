# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The simulator: production core, wire and data path in virtual time.

SIM_SRC      := $(wildcard tests/sim/*.c)
SIM_CPPFLAGS := -Itests/sim/shim
SIM_OBJ      := $(call obj,$(SIM_SRC) tests/unit/invariants.c)

$(call obj,tests/sim/path.c): CPPFLAGS := $(SIM_CPPFLAGS) $(CPPFLAGS)

$(BUILD)/sim: $(SIM_OBJ) $(PURE) $(BASE)
	$(call say,LINK,$@)
	$(link)

# How many messages signalling takes: no faults, no packets, many nodes and MNs.
$(call obj,tests/sim/scale/scale.c): CPPFLAGS := -Itests/sim $(CPPFLAGS)

$(BUILD)/scale: $(call obj,tests/sim/scale/scale.c tests/sim/path.c) $(PURE) $(BASE)
	$(call say,LINK,$@)
	$(link)

test-programs: $(BUILD)/sim $(BUILD)/scale

SIM_JOBS ?= $(shell nproc)
SEEDS    ?= 1000
FIRST    ?= 1

.PHONY: sim sim-figures sim-nightly mutants mutant-flags
sim: $(BUILD)/sim ## simulate whole domains (SEEDS=1000 FIRST=1)
	$(Q)$(BUILD)/sim --first $(FIRST) --seeds $(SEEDS) --jobs $(SIM_JOBS)

# Seeds beyond the first million handovers that have found a defect once.
SIM_FOUND := 4783 4846 5129 5351 5418

# A million handovers, and what they came to.
sim-figures: $(BUILD)/sim
	$(Q)mkdir -p $(BUILD)/reliability
	$(Q)for seed in $(SIM_FOUND); do $(BUILD)/sim --seed $$seed || exit 1; done
	$(Q)$(BUILD)/sim --first $(FIRST) --handovers 1000000 --jobs $(SIM_JOBS) \
		--figures $(BUILD)/reliability/sim.json

sim-nightly: $(BUILD)/sim ## the same, 100,000,000 handovers
	$(Q)$(BUILD)/sim --first $(FIRST) --handovers 100000000 --jobs $(SIM_JOBS)

mutants: $(BUILD)/sim ## known-bad variants of the protocol, each of which the simulator must catch
	$(Q)$(PYTHON) tests/sim/mutants.py $(BUILD)

# What tests/sim/mutants.py compiles with.
mutant-flags:
	@echo $(CC) $(SIM_CPPFLAGS) $(CPPFLAGS) $(ALL_CFLAGS)

# docs/scale.md and its picture are committed: what they say is what this command counted.
.PHONY: scale-report
scale-report: $(BUILD)/scale ## how signalling grows with MNs and LMAs: docs/scale.md
	$(Q)$(PYTHON) tests/sim/scale/report.py $(BUILD) docs/scale.md docs/scale.svg
