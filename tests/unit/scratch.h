/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A directory for the files of one test. Every failure ends the test. */
#pragma once

/* Makes a new directory; the caller gives it back with scratch_remove(). */
char *scratch_make(void);
void scratch_remove(char *dir);

/* Path of a file in it, good until 8 calls later. */
const char *scratch_path(const char *dir, const char *name);

void scratch_write(const char *dir, const char *name, const char *text);
/* Zero-terminated; the caller frees it. */
char *scratch_read(const char *path);
/* Copies the files of another directory, not what is below it. */
void scratch_copy(const char *dir, const char *from);
