// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Stands in for libFuzzer where there is none: runs a target on the files named. */
#include "fuzz.h"
#include <stdio.h>
#include <stdlib.h>

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[1 << 20];

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t size = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

		if (!f)
			return 2;
		fclose(f);
		(void)LLVMFuzzerTestOneInput(bytes, size);
	}
	return 0;
}
