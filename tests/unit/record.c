// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "record.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void record_figure(const char *name, const char *goal, bool ok, const char *value, ...)
{
	const char *build = getenv("BUILD");
	char dir[512], path[1024], text[256];
	va_list args;
	FILE *f;

	va_start(args, value);
	vsnprintf(text, sizeof(text), value, args);
	va_end(args);
	printf("%s: %s (goal %s)\n", name, text, goal);
	snprintf(dir, sizeof(dir), "%s/reliability", build && *build ? build : "build");
	(void)mkdir(dir, 0777);
	snprintf(path, sizeof(path), "%s/%s.json", dir, name);
	f = fopen(path, "w");
	if (!f)
		return;
	fprintf(f, "{\"%s\": {\"goal\": \"%s\", \"value\": \"%s\", \"ok\": %s}}\n", name, goal,
		text, ok ? "true" : "false");
	fclose(f);
}
