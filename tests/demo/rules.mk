# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The demonstration: the domain of the draft's Figure 5 on this machine.

HOOK        ?= auto
DEMO_OUTPUT ?= $(BUILD)/demo
DEMO        := DLMA_BUILD=$(BUILD) $(PYTHON) tests/demo/demo.py
DEMO_MAKE   := $(MAKE) --no-print-directory $(if $(filter 0,$(V)),-s)

.PHONY: demo demo-up demo-move demo-down
demo: deps ## the story of Figure 5 in a minute, with a report (root; HOOK=xdp|tc|auto)
	$(Q)$(DEMO_MAKE) all lab-tools
	$(Q)$(DEMO) run --hook $(HOOK) --output $(DEMO_OUTPUT)

demo-up: deps ## the domain of Figure 5, left running to play with (root; HOOK=xdp|tc|auto)
	$(Q)$(DEMO_MAKE) all lab-tools
	$(Q)$(DEMO) up --hook $(HOOK)

demo-move: ## move the mobile node there: TO=mag-1a|mag-1b|mag-2|h-lma|none (root)
	$(Q)$(DEMO) move $(TO)

demo-down: ## remove what demo-up left running (root)
	$(Q)$(DEMO) down
