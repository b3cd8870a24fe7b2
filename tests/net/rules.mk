# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The laboratory: small tools in C and BPF, and the tests that run on network namespaces.

LAB_TOOLS := $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,\
             $(filter-out %.bpf.c,$(wildcard tests/tools/*.c)))
LAB_BPF   := $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%.o,$(wildcard tests/tools/*.bpf.c))

$(LAB_TOOLS): $(BUILD)/tests/tools/%: $(BUILD)/obj/tests/tools/%.o
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^

# It has to know what becomes of each message.
$(BUILD)/tests/tools/flood: $(PURE) $(BUILD)/obj/agent/base/reasons.o

# These take the kernel's UAPI headers, whose asm/ Debian keeps in a directory per architecture.
$(BUILD)/tests/tools/%.bpf.o: tests/tools/%.bpf.c tests/tools/lab.bpf.h
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -idirafter /usr/include/$(shell uname -m)-linux-gnu -c -o $@ $<

.PHONY: lab-tools
lab-tools: $(LAB_TOOLS) $(LAB_BPF) $(BUILD)/scale ## the tools of the test laboratory

# Loader and agent as a later version might be: with another layout of the maps.
NEXT := $(BUILD)/next

$(NEXT)/include/dlma/abi.h: include/dlma/abi.h tests/net/next_layout.py
	$(Q)mkdir -p $(@D)
	$(Q)$(PYTHON) tests/net/next_layout.py $< $@

.PHONY: next-layout
next-layout: $(NEXT)/include/dlma/abi.h
	$(Q)$(MAKE) --no-print-directory BUILD=$(NEXT) LAYOUT=-I$(NEXT)/include CFLAGS=-O1 all

# NET_JOBS tests at a time; NET="-k move" runs those with "move" in their name.
NET_JOBS ?= 2

.PHONY: net
net: all lab-tools next-layout ## tests on network namespaces with the production programs (root)
	$(Q)DLMA_BUILD=$(BUILD) $(PYTHON) tests/net/runner.py -j$(NET_JOBS) $(NET)

.PHONY: flood rotate
flood: all lab-tools ## 100,000 hostile messages of each kind against running agents (root)
	$(Q)DLMA_FLOOD=100000 DLMA_BUILD=$(BUILD) $(PYTHON) tests/net/runner.py -j1 -k t_flood
rotate: all lab-tools ## 100 rotations of all keys under load (root)
	$(Q)DLMA_ROTATIONS=100 DLMA_BUILD=$(BUILD) $(PYTHON) tests/net/runner.py -j1 -k t_keys.rotations

.PHONY: lab
lab: lab-tools ## self-tests of the test laboratory (root)
	$(Q)DLMA_BUILD=$(BUILD) $(PYTHON) tests/net/runner.py -j$(NET_JOBS) -k t_lab

.PHONY: restarts
restarts: all lab-tools ## 100 restarts of agents and of loaders under 10000 packets/s (root)
	$(Q)DLMA_RESTARTS=100 DLMA_RATE=10000 DLMA_BUILD=$(BUILD) $(PYTHON) tests/net/runner.py -j1 \
		-k t_restart $(NET)

.PHONY: many
many: all lab-tools ## restart of an H-LMA with 100000 bindings (root)
	$(Q)DLMA_MANY=100000 DLMA_BUILD=$(BUILD) $(PYTHON) tests/net/runner.py -j1 -k t_many $(NET)

# docs/conformance.md is committed: what it says is what this command found.
.PHONY: conformance
conformance: deps all lab-tools next-layout ## which requirements are proven: build/conformance.json, docs (root)
	$(Q)DLMA_ROUNDS=200 DLMA_BUILD=$(BUILD) $(PYTHON) tests/net/runner.py -j$(NET_JOBS) --rows \
		--output $(BUILD)/tests/conformance; status=$$?; \
	$(PYTHON) tests/conformance/report.py $(BUILD)/tests/conformance/results.json \
		$(BUILD)/conformance.json docs/conformance.md && exit $$status

# docs/rtt.md is committed: what it says is what this command measured.
.PHONY: rtt
rtt: deps all lab-tools ## round-trip times over a map of sites: docs/rtt.md (root; HOOK=xdp|tc)
	$(Q)DLMA_BUILD=$(BUILD) $(PYTHON) tests/net/rtt.py docs/rtt.md $(if $(filter xdp tc,$(HOOK)),$(HOOK))
