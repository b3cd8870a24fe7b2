/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the test tools share. They are programs for one purpose: an error ends them with a line. */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

/* Ends the program; with the text of errno if there is one. */
__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
	int error = errno;
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", error ? ": " : "", error ? strerror(error) : "");
	exit(1);
}

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static inline uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/*
 * What to add to a time stamp of the kernel (CLOCK_REALTIME) to get monotonic time. The clocks are
 * read one after the other: the closest of a few readings counts, lest somebody interrupted us.
 */
static inline int64_t monotonic_offset_ns(void)
{
	uint64_t closest_ns = UINT64_MAX, before_ns, real_ns, took_ns;
	int64_t offset_ns = 0;

	for (int i = 0; i < 10 && closest_ns > 500; i++) {
		before_ns = monotonic_ns();
		real_ns = clock_ns(CLOCK_REALTIME);
		took_ns = monotonic_ns() - before_ns;
		if (took_ns >= closest_ns)
			continue;
		closest_ns = took_ns;
		offset_ns = (int64_t)(before_ns + took_ns / 2 - real_ns);
	}
	return offset_ns;
}

static inline struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

static inline uint64_t number_of(const char *text, const char *what)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-')
		die("%s: '%s' is not a whole number", what, text);
	return value;
}

/* A descriptor that becomes readable when somebody wants the program to end. */
static inline int end_signal_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Says to whoever started the tool that it works from now on. */
static inline void say_ready(void)
{
	puts("ready");
	fflush(stdout);
}
