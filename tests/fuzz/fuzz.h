/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the fuzz targets share. Each defines LLVMFuzzerTestOneInput() of libFuzzer. */
#pragma once

#include "wire/auth.h"
#include "wire/cursor.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A property that does not hold is a crash, which libFuzzer keeps and shows how to replay. */
__attribute__((noreturn)) void fuzz_broken(const char *file, int line, const char *what);
#define CHECK(property) ((property) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #property))

/* Not a MAC, but it depends on every bit, and is fast. */
auth_mac_fn fuzz_mac;

/* A copy that ends where its memory ends, so that ASan sees each octet too far; to be freed. */
uint8_t *fuzz_copy(const uint8_t *data, size_t size);
