# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# How each kind of test is built and run.

include tests/bpf/rules.mk
include tests/store/rules.mk
include tests/faults/rules.mk
include tests/bench/rules.mk
include tests/net/rules.mk
include tests/kernels/rules.mk
include tests/demo/rules.mk
include tests/fuzz/rules.mk
include tests/sim/rules.mk
include tests/model/rules.mk

# Unit tests: one program per tests/unit/test_X.c, with all pure and shared code, no root needed.
UNIT_SRC   := $(wildcard tests/unit/test_*.c)
UNIT_HELP  := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT_SRC))

$(UNIT_TESTS): $(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(call obj,$(UNIT_HELP)) \
                       $(BUILD)/obj/agent/ctl/keygen.o $(PURE) $(BASE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(link) -lcriterion -lcrypto -lconfig

# Our own malloc() and the like, to let them fail, in this test alone.
$(BUILD)/tests/unit/test_core_memory: LDFLAGS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=core_step

# The same for all that a configuration takes, and libconfig as the programs have it.
$(BUILD)/tests/unit/test_conf_memory: $(LIBCONFIG)
$(BUILD)/tests/unit/test_conf_memory: LDFLAGS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup

.PHONY: unit-programs test-programs unit
unit-programs: $(UNIT_TESTS)
test-programs: unit-programs fuzz-plain bpf-tests store-tests bench-programs lab-tools fault-shim
unit: $(UNIT_TESTS) ## unit tests of wire, core and configuration
	$(Q)for t in $^; do $$t || exit 1; done

.PHONY: test
test: deps ## install what is missing, build, run every test (root)
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/run.py

# Everything that measures how hard this is to break, in full; docs/reliability.md is committed.
FIGURES := $(BUILD)/reliability
PARTS   ?= model sim-figures mutants fuzz-smoke siege store-figures flood rotate restarts many faults

.PHONY: reliability
reliability: deps all test-programs ## the figures of reliability: build/reliability.json, docs (root)
	$(Q)rm -rf $(FIGURES)
	$(Q)for part in $(PARTS); do \
		$(MAKE) --no-print-directory BUILD=$(BUILD) $$part || failed=1; \
	done; \
	PARTS="$(PARTS)" $(PYTHON) tests/reliability/report.py $(FIGURES) $(BUILD)/reliability.json \
		docs/reliability.md && \
		[ -z "$$failed" ]

# Those tests of messages, and of the store, that leave figures.
.PHONY: siege store-figures
siege: $(patsubst %,$(BUILD)/tests/unit/test_%,siege matrix trust heartbeat)
	$(Q)for t in $^; do BUILD=$(BUILD) DLMA_HOURS=10 $$t || exit 1; done
store-figures: store-tests
	$(Q)for t in $(STORE_TESTS); do DLMA_BUILD=$(BUILD) $$t || exit 1; done

# The pure code takes nothing but the C library, our shared layouts, and its own kind.
.PHONY: check-includes
check-includes: ## fail if core or wire includes what it must not
	$(Q)! grep -nE '^#include' agent/core/*.[ch] | \
		grep -vE '"(core|wire|dlma)/|<(assert|errno|stdbool|stddef|stdint|stdio|stdlib|string)\.h>'
	$(Q)! grep -nE '^#include' agent/wire/*.[ch] | \
		grep -vE '"(wire|dlma)/|<(assert|errno|stdbool|stddef|stdint|stdio|stdlib|string)\.h>'
	$(Q)! grep -nE '\bgt\(' tests/unit/*.c tests/bpf/*.c || \
		{ echo "gt() of Criterion 2.4 takes equal values too: write lt() the other way"; exit 1; }

# Layouts in vmlinux.h against those of the running kernel.
.PHONY: check-vmlinux
check-vmlinux: ## compare vmlinux.h with the running kernel
	$(Q)mkdir -p $(BUILD)/tests/layout
	$(Q)$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c > $(BUILD)/tests/layout/running.h
	$(Q)for side in vmlinux.h $(abspath $(BUILD))/tests/layout/running.h; do \
		$(CLANG) -target bpf -g -I. -DLAYOUT_HEADER="\"$$side\"" -c tests/vmlinux_layout.c \
			-o $(BUILD)/tests/layout/$$(basename $$side).o && \
		llvm-objcopy --dump-section .rodata.layout=$(BUILD)/tests/layout/$$(basename $$side).bin \
			$(BUILD)/tests/layout/$$(basename $$side).o || exit 1; done
	$(Q)cmp $(BUILD)/tests/layout/vmlinux.h.bin $(BUILD)/tests/layout/running.h.bin

.PHONY: docs check-docs
docs: all ## write the parts of docs/ that are made from the source
	$(Q)$(BUILD)/dlmactl reasons > docs/reasons.md

check-docs: all ## fail if one of them is not up to date
	$(Q)$(BUILD)/dlmactl reasons | cmp - docs/reasons.md

.PHONY: check-configs
check-configs: all ## every example configuration passes --check
	$(Q)rm -rf $(BUILD)/tests/configs && mkdir -p $(BUILD)/tests
	$(Q)cp -r configs $(BUILD)/tests/configs
	$(Q)set -e; for d in $(BUILD)/tests/configs/*/; do \
		$(BUILD)/dlmactl keygen $$d/domain.conf $$d; \
		for f in $$d*.conf; do \
			case $$f in */domain.conf) continue;; esac; \
			$(BUILD)/dlma-agent --check $$f; $(BUILD)/dlma-loader --check $$f; \
		done; done
