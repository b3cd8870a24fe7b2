# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fuzzing: libFuzzer, so clang whatever CC is. Each tests/fuzz/fuzz_X.c is a target. What is fuzzed
# is built in four kinds:
#
#	smoke	ASan and UBSan; as fast as can be, for `make test`
#	deep	the same, and comparisons guide the fuzzer; for `make fuzz`
#	msan	MSan, which wants everything instrumented: only targets without libraries
#	cov	line coverage

FUZZ_DIR   := $(BUILD)/fuzz
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PURE  := mh wire core
FUZZ_HELP  := $(filter-out tests/fuzz/fuzz_%.c tests/fuzz/control_stubs.c tests/fuzz/replay.c,\
                $(wildcard tests/fuzz/*.c)) \
              tests/unit/invariants.c tests/unit/mirror.c
FUZZ_SRC   := $(PURE_SRC) $(BASE_SRC) $(FUZZ_HELP)
FUZZ_LIBS  := -Wl,--as-needed -lconfig -ljansson -lev
FUZZ_control := $(addprefix agent/io/,control.c view.c explain.c report.c) tests/fuzz/control_stubs.c

FUZZ_smoke := -O3 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
              -fno-sanitize-coverage=trace-cmp,trace-div,trace-gep
FUZZ_deep  := -O2 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_msan  := -O2 -g -fsanitize=fuzzer-no-link,memory -fsanitize-memory-track-origins
FUZZ_cov   := -O0 -g -fprofile-instr-generate -fcoverage-mapping

# $(1): kind. Of the tests themselves no coverage is wanted, neither as a guide nor as a figure.
define fuzz_kind
$(FUZZ_DIR)/$(1)/obj/%.o: %.c
	$$(call say,CC,$$< ($(1)))
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(CLANG) $$(CPPFLAGS) -Itests/fuzz -Itests/unit -std=gnu11 $(WARNINGS) $$(FLAGS) \
		-MMD -MP -c -o $$@ $$<

$(FUZZ_DIR)/$(1)/obj/agent/%.o: FLAGS = $(FUZZ_$(1))
$(FUZZ_DIR)/$(1)/obj/tests/%.o: FLAGS = \
	$(patsubst -fprofile%,,$(patsubst -fcoverage%,,$(subst fuzzer-no-link$(COMMA),,$(FUZZ_$(1)))))

$(FUZZ_DIR)/$(1)/lib.a: $(patsubst %.c,$(FUZZ_DIR)/$(1)/obj/%.o,$(FUZZ_SRC))
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$(FUZZ_DIR)/$(1)/control: $(patsubst %.c,$(FUZZ_DIR)/$(1)/obj/%.o,$(FUZZ_control))
$(FUZZ_DIR)/$(1)/%: $(FUZZ_DIR)/$(1)/obj/tests/fuzz/fuzz_%.o $(FUZZ_DIR)/$(1)/lib.a
	$$(call say,LINK,$$@)
	$$(Q)$(CLANG) $(subst fuzzer-no-link,fuzzer,$(FUZZ_$(1))) \
		$(if $(filter cov,$(1)),-fsanitize=fuzzer) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $(FUZZ_LIBS)
endef
COMMA := ,
$(foreach kind,smoke deep msan cov,$(eval $(call fuzz_kind,$(kind))))

# The same with any compiler and without libFuzzer: what no longer fits together is found early.
FUZZ_PLAIN := $(patsubst %,$(BUILD)/tests/fuzz/%,$(FUZZ_NAMES))

$(BUILD)/obj/tests/fuzz/%.o: CPPFLAGS += -Itests/fuzz -Itests/unit

$(BUILD)/tests/fuzz/control: $(call obj,$(FUZZ_control))
$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/fuzz_%.o \
                       $(call obj,tests/fuzz/replay.c $(FUZZ_HELP)) $(PURE) $(BASE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(FUZZ_LIBS)

fuzz_programs = $(addprefix $(FUZZ_DIR)/$(1)/,$(2))
FUZZ_RUN := FUZZ_DIR=$(FUZZ_DIR) $(PYTHON) tests/fuzz/run.py

.PHONY: fuzz-plain
fuzz-plain: $(FUZZ_PLAIN) ## the fuzz targets without libFuzzer: to replay inputs

.PHONY: fuzz-programs fuzz-smoke fuzz fuzz-msan fuzz-coverage
fuzz-programs: $(call fuzz_programs,smoke,$(FUZZ_NAMES)) $(call fuzz_programs,cov,$(FUZZ_PURE))
fuzz-smoke: fuzz-programs ## 10,000,000 executions of the fuzz targets, and coverage of the parsers
	$(Q)$(FUZZ_RUN) smoke

# TIME seconds for each target of FUZZ, two at a time; what is found joins build/fuzz/corpus.
TIME ?= 600
FUZZ ?= $(FUZZ_NAMES)
fuzz: $(call fuzz_programs,deep,$(FUZZ_NAMES)) ## fuzz on and on: TIME=600 FUZZ="core mh"
	$(Q)$(FUZZ_RUN) deep $(TIME) $(FUZZ)

fuzz-msan: $(call fuzz_programs,msan,$(FUZZ_PURE)) ## the same with MSan: wire and core
	$(Q)$(FUZZ_RUN) msan $(TIME) $(filter $(FUZZ),$(FUZZ_PURE))

fuzz-coverage: $(call fuzz_programs,cov,$(FUZZ_PURE)) ## lines of wire and core that the corpus reaches
	$(Q)$(FUZZ_RUN) coverage
