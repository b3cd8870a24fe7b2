# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Debian's stock kernels in QEMU. Packages and what is made of them stay in KERNELS_CACHE, by
# default /var/cache/dlma-kernels; nothing of them is installed.

KERNELS ?= 6.1 6.12

.PHONY: deps-kernels test-kernels
deps-kernels: deps ## install what test-kernels needs besides (root)
	$(Q)packaging/install-deps kernels

test-kernels: deps-kernels ## tests on stock kernels in QEMU (root; KERNELS=6.1)
	$(Q)$(MAKE) --no-print-directory all test-programs
	$(Q)BUILD=$(BUILD) $(PYTHON) tests/kernels/kernels.py $(KERNELS)
