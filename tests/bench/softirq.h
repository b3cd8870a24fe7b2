/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All work on one processor, and what of it is not in this thread. */
#pragma once

#include "tests/tools/tool.h"
#include <dirent.h>
#include <sched.h>

static inline void stay_on(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		die("processor %d", cpu);
}

/* Reads one word of a file below /proc; "" if there is none. */
static inline void proc_word(const char *process, const char *name, char ret[32])
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/%s", process, name);
	ret[0] = 0;
	f = fopen(path, "re");
	if (!f)
		return;
	if (fscanf(f, "%31s", ret) != 1)
		ret[0] = 0;
	fclose(f);
}

/* How long the thread that does the softirqs of a processor has run; 0: not to be seen. */
static inline uint64_t softirqd_ns(int cpu)
{
	static char process[256];
	char name[32], word[32];
	DIR *all = process[0] ? NULL : opendir("/proc");

	snprintf(name, sizeof(name), "ksoftirqd/%d", cpu);
	for (struct dirent *d; all && (d = readdir(all));) {
		snprintf(process, sizeof(process), "%s", d->d_name);
		proc_word(process, "comm", word);
		if (!strcmp(word, name))
			break;
	}
	if (all)
		closedir(all);
	proc_word(process, "schedstat", word);
	return strtoull(word, NULL, 10);
}
