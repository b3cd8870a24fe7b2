# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The model of the ordering rule.

.PHONY: model model-quick
model: ## check the model of the ordering rule with spin, all configurations
	$(Q)$(PYTHON) tests/model/model.py $(BUILD)

model-quick: ## the smallest configurations, and the bad variants
	$(Q)$(PYTHON) tests/model/model.py $(BUILD) quick
