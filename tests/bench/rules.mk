# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The bench (tests/bench/README.md).

BENCH_BPF := $(patsubst tests/bench/%.bpf.c,$(BUILD)/bench/%.bpf.o,$(wildcard tests/bench/*.bpf.c))
BENCH_SECTIONS := packet table pbu
BENCH_HELP := $(call obj,$(patsubst %,tests/bench/%.c,cases node rows zipf) tests/bpf/links.c \
              agent/io/locations.c)
BENCH_PROGRAMS := $(patsubst %,$(BUILD)/tests/bench/%,$(BENCH_SECTIONS))
BENCH_TOOLS    := $(patsubst %,$(BUILD)/tests/bench/%,bulk fill generate)
# Sections that need several nodes, on network namespaces.
BENCH_SCRIPTS  := $(patsubst %,tests/bench/%.py,push chain moves attack)

$(BUILD)/bench/%.bpf.o: tests/bench/%.bpf.c $(wildcard tests/bench/*.h) $(BPF_HEADERS)
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(call obj,$(wildcard tests/bench/*.c)): CPPFLAGS += -I.

$(filter-out %/pbu,$(BENCH_PROGRAMS)) $(BENCH_TOOLS): $(BUILD)/tests/bench/%: $(BUILD)/obj/tests/bench/%.o $(BENCH_HELP) $(BASE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(link) -lbpf -ljansson -lm

# The core and the store of the agent.
$(BUILD)/tests/bench/pbu: $(call obj,$(patsubst %,tests/bench/%.c,pbu lma rows)) \
                          $(call obj,$(STORE_PARTS) agent/io/crypto.c) $(PURE) $(BASE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(link) -ljansson -lcrypto -lsqlite3

.PHONY: bench-programs bench
bench-programs: $(BENCH_PROGRAMS) $(BENCH_TOOLS) $(BENCH_BPF)

bench: deps ## what everything costs, beside its goal: build/bench.json, .html (root; QUICK=1)
	$(Q)$(MAKE) --no-print-directory $(if $(filter 0,$(V)),-s) all bench-programs lab-tools
	$(Q)rm -f $(BUILD)/bench/*.json
	$(Q)for s in $(BENCH_PROGRAMS); do $$s $(BUILD) $(if $(QUICK),quick,full) || exit 1; done
	$(Q)for s in $(BENCH_SCRIPTS); do $(PYTHON) $$s $(BUILD) $(if $(QUICK),quick,full) || exit 1; done
	$(Q)$(PYTHON) tests/bench/report.py $(BUILD) $(BENCH_DOCUMENT)

# docs/performance.md is committed: what it says is what this command measured.
.PHONY: performance
performance: ## the bench, and its figures into docs/performance.md (root)
	$(Q)$(MAKE) --no-print-directory bench BENCH_DOCUMENT=docs/performance.md
