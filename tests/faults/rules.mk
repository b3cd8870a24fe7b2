# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The running daemons under resource faults.

FAULT_SHIM := $(BUILD)/tests/faults/shim.so

# Never with the sanitizers, whatever it is loaded into.
$(FAULT_SHIM): tests/faults/shim.c
	$(call say,SHIM,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu11 $(WARNINGS) -O2 -g -fPIC -shared -o $@ $<

.PHONY: fault-shim faults faults-quick
fault-shim: $(FAULT_SHIM)
faults: all lab-tools fault-shim ## each call of a class fails once in the running daemons (root)
	$(Q)DLMA_BUILD=$(BUILD) $(PYTHON) tests/faults/sweep.py $(FAULTS)
faults-quick: all lab-tools fault-shim ## some of them
	$(Q)DLMA_BUILD=$(BUILD) $(PYTHON) tests/faults/sweep.py --quick
