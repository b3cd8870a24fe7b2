# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The store under power cuts and failing disks: the production code on a disk in memory.

STORE_SRC   := $(wildcard tests/store/test_*.c)
STORE_HELP  := $(filter-out $(STORE_SRC),$(wildcard tests/store/*.c)) tests/unit/scratch.c
STORE_TESTS := $(patsubst tests/store/%.c,$(BUILD)/tests/store/%,$(STORE_SRC))
STORE_PARTS := agent/io/store.c agent/io/database.c agent/io/outbox.c

$(call obj,$(STORE_SRC) $(STORE_HELP)): CPPFLAGS += -Itests/unit

$(BUILD)/tests/store/%: $(BUILD)/obj/tests/store/%.o $(call obj,$(STORE_HELP) $(STORE_PARTS)) \
                        $(PURE) $(BASE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(link) -lcriterion -lsqlite3

.PHONY: store-tests store
store-tests: $(STORE_TESTS)
store: store-tests ## tests of the store: power cuts, failing disks, damage
	$(Q)for t in $(STORE_TESTS); do DLMA_BUILD=$(BUILD) $$t || exit 1; done
