# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `make help` lists what can be made.

BUILD   ?= build
CC      ?= gcc
CLANG   ?= clang
BPFTOOL ?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
PYTHON  ?= /usr/bin/python3
V       ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)';
else
say =
endif

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wswitch-enum -Wno-missing-field-initializers -Wformat=2 -Wno-format-nonliteral
CFLAGS  ?= $(if $(SANITIZE),-O1,-O2) -g
CPPFLAGS += -D_GNU_SOURCE $(LAYOUT) -Iinclude -Iagent -I$(BUILD)/bpf
ALL_CFLAGS := -std=gnu11 $(WARNINGS) -fno-common -fstack-protector-strong $(CFLAGS)
LDFLAGS += -Wl,-z,relro,-z,now
ifdef SANITIZE
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS    += -fsanitize=address,undefined
endif

BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-function $(LAYOUT) -I. -Iinclude
BPF_HEADERS := vmlinux.h $(wildcard bpf/*.h include/dlma/*.h)

# Pure code (no I/O, no clock); the libraries around it; the programs.
PURE_SRC   := $(wildcard agent/core/*.c agent/wire/*.c)
BASE_SRC   := $(wildcard agent/base/*.c)
AGENT_SRC  := agent/main.c $(wildcard agent/io/*.c)
LOADER_SRC := $(wildcard loader/*.c)
CTL_SRC    := $(wildcard agent/ctl/*.c)

AGENT_LIBS  := -lbpf -lev -lmnl -lcrypto -lsqlite3 -ljansson -lcap
LOADER_LIBS := -lxdp -lbpf -lmnl -lcap -ljansson
CTL_LIBS    := -ljansson

# libconfig, with our functions for its allocations: agent/base/conf_memory.c has the reason.
LIBCONFIG       := $(BUILD)/libconfig.a
LIBCONFIG_CALLS := malloc calloc realloc strdup

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
SKELETONS := $(BUILD)/bpf/dlma_xdp.skel.h $(BUILD)/bpf/dlma_tc.skel.h
PROGRAMS  := $(BUILD)/dlma-loader $(BUILD)/dlma-agent $(BUILD)/dlmactl

.PHONY: all
all: $(PROGRAMS) ## build the three programs into build/

# Archives, so that each program takes only what it uses.
PURE := $(BUILD)/libpure.a
BASE := $(BUILD)/libbase.a

$(LIBCONFIG):
	$(call say,OBJCOPY,$@)
	$(Q)mkdir -p $(@D)
	$(Q)objcopy --redefine-sym __strdup=strdup $$($(CC) -print-file-name=libconfig.a) $@
	$(Q)objcopy $(foreach f,$(LIBCONFIG_CALLS),--redefine-sym $f=conf_memory_$f) $@

$(PURE): $(call obj,$(PURE_SRC))
$(BASE): $(call obj,$(BASE_SRC))
$(PURE) $(BASE):
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

link = $(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^

$(BUILD)/dlma-agent: $(call obj,$(AGENT_SRC)) $(PURE) $(BASE) $(LIBCONFIG)
	$(call say,LINK,$@)
	$(link) $(AGENT_LIBS)

$(BUILD)/dlma-loader: $(call obj,$(LOADER_SRC)) $(PURE) $(BASE) $(LIBCONFIG)
	$(call say,LINK,$@)
	$(link) $(LOADER_LIBS)

$(BUILD)/dlmactl: $(call obj,$(CTL_SRC)) $(BASE) $(LIBCONFIG)
	$(call say,LINK,$@)
	$(link) $(CTL_LIBS)

$(BUILD)/obj/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(call obj,$(wildcard loader/*.c)): $(SKELETONS)

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(BPF_HEADERS)
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<
	$(Q)llvm-strip -g $@

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< > $@

include tests/rules.mk

.PHONY: format check-format
format: ## rewrite all C files with clang-format
	$(Q)clang-format -i $(C_FILES)

check-format: ## fail if a C file is not formatted
	$(Q)clang-format --dry-run --Werror $(C_FILES)

.PHONY: deps
deps: ## install the Debian packages that are missing (root)
	$(Q)packaging/install-deps

.PHONY: clean
clean: ## remove everything that was built
	$(Q)rm -rf $(BUILD)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

C_FILES = $(shell find agent bpf include loader tests -name '*.[ch]')

.DELETE_ON_ERROR:
# Not .SECONDARY: with that, make 4.3 links objects anew that are older than their headers.
.PRECIOUS: %.o %.skel.h
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
