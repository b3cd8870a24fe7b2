# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The bench (tests/bench/README.md).

BENCH_BPF := $(patsubst tests/bench/%.bpf.c,$(BUILD)/bench/%.bpf.o,$(wildcard tests/bench/*.bpf.c))
BENCH_OBJ := $(call obj,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))

$(BUILD)/bench/%.bpf.o: tests/bench/%.bpf.c $(wildcard tests/bench/*.h) $(BPF_HEADERS)
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(BENCH_OBJ): CPPFLAGS += -I.

$(BUILD)/tests/bench/packet: $(BENCH_OBJ) $(call obj,tests/bpf/links.c agent/io/locations.c) $(BASE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(link) -lbpf -ljansson -lm

.PHONY: bench-programs bench
bench-programs: $(BUILD)/tests/bench/packet $(BENCH_BPF)

bench: deps ## what everything costs, beside its goal: build/bench.json, .html (root; QUICK=1)
	$(Q)$(MAKE) --no-print-directory $(if $(filter 0,$(V)),-s) all bench-programs
	$(Q)$(BUILD)/tests/bench/packet $(BUILD) $(if $(QUICK),quick)
	$(Q)$(PYTHON) tests/bench/report.py $(BUILD)
