# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The data path, frame by frame: the production objects under BPF_PROG_TEST_RUN (root).

BPF_SRC   := $(wildcard tests/bpf/test_*.c)
BPF_HELP  := $(filter-out $(BPF_SRC) %.bpf.c,$(wildcard tests/bpf/*.c))
BPF_TESTS := $(patsubst tests/bpf/%.c,$(BUILD)/tests/bpf/%,$(BPF_SRC))

$(call obj,tests/bpf/harness.c): $(SKELETONS)
$(call obj,tests/bpf/test_front.c): $(BUILD)/bpf/reader.skel.h

$(BUILD)/bpf/reader.bpf.o: tests/bpf/reader.bpf.c tests/bpf/reader.h $(BPF_HEADERS)
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<
	$(Q)llvm-strip -g $@

# The helpers as an archive, so that each test takes only what it uses.
$(BUILD)/libbpftest.a: $(call obj,$(BPF_HELP) agent/io/locations.c)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BPF_TESTS): $(BUILD)/tests/bpf/%: $(BUILD)/obj/tests/bpf/%.o $(BUILD)/libbpftest.a $(BASE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(link) -lcriterion -lbpf

.PHONY: bpf-tests bpf
bpf-tests: $(BPF_TESTS) ## build the tests of the data path

# DLMA_RANDOM_PACKETS=1000000 DLMA_RANDOM_SEED=7 change what test_random does.
bpf: bpf-tests ## tests of the data path: fixtures, model, verifier (root)
	$(Q)for t in $(BPF_TESTS); do $$t || exit 1; done
