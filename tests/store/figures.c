// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "figures.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

FILE *figures_open(const char *part)
{
	const char *build = getenv("DLMA_BUILD");
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/reliability", build ? build : "build");
	if (mkdir(path, 0755) && errno != EEXIST)
		return NULL;
	snprintf(path, sizeof(path), "%s/reliability/%s.json", build ? build : "build", part);
	f = fopen(path, "w");
	if (f)
		fputs("{", f);
	return f;
}

void figures_add(FILE *f, const char *name, const char *goal, bool ok, const char *format, ...)
{
	char value[256];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	printf("%-44s %-28s %s%s\n", name, value, goal, ok ? "" : "  MISSED");
	fprintf(f, "%s\n \"%s\": {\"goal\": \"%s\", \"value\": \"%s\", \"ok\": %s}",
		ftell(f) > 1 ? "," : "", name, goal, value, ok ? "true" : "false");
}

void figures_close(FILE *f)
{
	fputs("\n}\n", f);
	fclose(f);
}
