/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages to the operator, one line each, on stderr: "LEVEL: text". Under systemd the level
 * becomes a journal priority. Only main.c files, io/, loader/ and ctl/ log; the pure code reports.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Least important level that is still shown; LOG_LEVEL_INFO unless set. */
void log_set_level(enum log_level level);
bool log_shows(enum log_level level);
/* Whether the operator has been told of an error: who ends needs a reason, but not two. */
bool log_said_error(void);

void log_v(enum log_level level, const char *format, va_list args);
__attribute__((format(printf, 2, 3))) void log_at(enum log_level level, const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);
