// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/log.h"
#include <stdio.h>
#include <stdlib.h>

static enum log_level shown = LOG_LEVEL_INFO;
static bool said_error;

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARN] = {"warning", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

void log_set_level(enum log_level level)
{
	shown = level;
}

bool log_shows(enum log_level level)
{
	return level <= shown;
}

bool log_said_error(void)
{
	return said_error;
}

void log_v(enum log_level level, const char *format, va_list args)
{
	char line[1024];

	said_error = said_error || level == LOG_LEVEL_ERROR;
	if (!log_shows(level))
		return;
	vsnprintf(line, sizeof(line), format, args);
	/* systemd sets JOURNAL_STREAM and understands <N>; a person does not want to see it. */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", levels[level].priority, line);
	else
		fprintf(stderr, "%s: %s\n", levels[level].name, line);
}

void log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_v(level, format, args);
	va_end(args);
}

#define LOG_FUNCTION(function, level)          \
	void function(const char *format, ...) \
	{                                      \
		va_list args;                  \
                                               \
		va_start(args, format);        \
		log_v(level, format, args);    \
		va_end(args);                  \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
