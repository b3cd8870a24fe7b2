// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/conf_memory.h"
#include "base/conf_read.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	INCLUDE_DEPTH_MAX = 10, /* libconfig's */
	INCLUDES_MAX = 1000,	/* in all: files that include others over and over take for ever */
};

static int read_all(int fd, char *text, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, text + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		used += (size_t)n;
	}
	return memchr(text, '\0', size) ? -EILSEQ : 0;
}

static int load_open(int fd, char **ret_text, uint32_t *ret_mode)
{
	struct stat st;
	char *text;
	int err;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	text = calloc((size_t)st.st_size + 1, 1);
	if (!text)
		return -ENOMEM;
	err = read_all(fd, text, (size_t)st.st_size);
	if (err) {
		conf_file_wipe(text);
		return err;
	}
	*ret_text = text;
	*ret_mode = st.st_mode & 07777;
	return 0;
}

int conf_file_load(const char *path, char **ret_text, uint32_t *ret_mode)
{
	/* Not to wait for the other end of a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	err = load_open(fd, ret_text, ret_mode);
	close(fd);
	return err;
}

const char *conf_file_problem(int err)
{
	if (err == -EISDIR)
		return "it is not a regular file";
	return err == -EILSEQ ? "it holds a zero octet, so it is not text" : strerror(-err);
}

void conf_file_wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static int directory_len(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? (int)(slash + 1 - path) : 0;
}

int conf_file_beside(const struct conf_reader *r, const config_setting_t *s, const char *name,
	char ret[DOMAIN_PATH_MAX])
{
	const char *file = s ? config_setting_source_file(s) : NULL;
	int n;

	if (*name == '/')
		n = snprintf(ret, DOMAIN_PATH_MAX, "%s", name);
	else
		n = snprintf(ret, DOMAIN_PATH_MAX, "%.*s%.*s%s", directory_len(r->path), r->path,
			directory_len(file), file ? file : "", name);
	return n < DOMAIN_PATH_MAX ? 0 : -ENAMETOOLONG;
}

/*
 * What libconfig 1.5 gets wrong without a word is looked for before it sees the text: numbers
 * beyond 32 bits lose their upper half, and a directory in an @include ends the process.
 */
struct scan {
	struct conf_reader *r;
	const char *file; /* as in the @include, or NULL */
	const char *at;
	unsigned int line;
	unsigned int *includes; /* so far, in all files */
};

static bool scan_text(struct scan *s, unsigned int depth);

static void next(struct scan *s)
{
	if (*s->at == '\n')
		s->line++;
	if (*s->at)
		s->at++;
}

static void skip_past(struct scan *s, const char *end)
{
	size_t len = strlen(end);

	while (*s->at && strncmp(s->at, end, len))
		next(s);
	for (; *s->at && len; len--)
		next(s);
}

static void skip_string(struct scan *s)
{
	for (next(s); *s->at && *s->at != '"'; next(s))
		if (*s->at == '\\')
			next(s);
	next(s);
}

static void skip_word(struct scan *s)
{
	while (isalnum((unsigned char)*s->at) || (*s->at && strchr("-_*", *s->at)))
		s->at++;
}

static void scan_number(struct scan *s)
{
	size_t len = 0, digits = strspn(s->at, "0123456789");
	bool hex = s->at[0] == '0' && tolower((unsigned char)s->at[1]) == 'x';
	unsigned long long value = strtoull(s->at, NULL, hex ? 16 : 10);

	while (isalnum((unsigned char)s->at[len]) || s->at[len] == '.')
		len++;
	if (hex && value > UINT32_MAX)
		conf_error_at(s->r, s->file, s->line,
			"%.*s does not fit into 32 bits; make it "
			"smaller",
			(int)(len < 40 ? len : 40), s->at);
	if (!hex && digits == len && value > INT32_MAX)
		conf_error_at(s->r, s->file, s->line,
			"%.*s is beyond 2147483647; make it smaller, "
			"or write it in hexadecimal",
			(int)(len < 40 ? len : 40), s->at);
	s->at += len;
}

/* At "@include": returns the name after it, to be freed, or NULL. */
static char *scan_include(struct scan *s)
{
	char *name;

	s->at += strcspn(s->at, "\"\n");
	if (*s->at != '"')
		return NULL;
	name = strndup(s->at + 1, strcspn(s->at + 1, "\"\n"));
	skip_string(s);
	return name;
}

static char *scan_token(struct scan *s)
{
	if (!strncmp(s->at, "@include", 8))
		return scan_include(s);
	if (*s->at == '#' || !strncmp(s->at, "//", 2))
		s->at += strcspn(s->at, "\n");
	else if (!strncmp(s->at, "/*", 2))
		skip_past(s, "*/");
	else if (*s->at == '"')
		skip_string(s);
	else if (isdigit((unsigned char)*s->at))
		scan_number(s);
	else if (isalpha((unsigned char)*s->at))
		skip_word(s);
	else
		next(s);
	return NULL;
}

/* Text of an included file, for conf_file_wipe(); NULL after a line about it. */
static char *include_load(
	struct conf_reader *r, const char *file, unsigned int line, const char *name)
{
	char path[DOMAIN_PATH_MAX], *text = NULL;
	uint32_t mode;
	int n = snprintf(path, sizeof(path), "%.*s%s", directory_len(r->path), r->path, name);
	int err = n < (int)sizeof(path) ? conf_file_load(path, &text, &mode) : -ENAMETOOLONG;

	if (err)
		conf_error_at(r, file, line,
			"cannot include \"%.64s\": %s; its path starts in the directory of %s",
			name, conf_file_problem(err), r->path);
	return text;
}

/* Goes into an included file like libconfig, which finds, and names, a circle itself. */
static bool scan_included(struct scan *s, unsigned int line, const char *name, unsigned int depth)
{
	struct scan inner = {.r = s->r, .file = name, .line = 1, .includes = s->includes};
	char *text;
	bool go_on;

	if (depth == INCLUDE_DEPTH_MAX)
		return false;
	if (++*s->includes > INCLUDES_MAX) {
		conf_error_at(s->r, s->file, line,
			"more than %d files are included in all; include each of them once",
			INCLUDES_MAX);
		return false;
	}
	text = include_load(s->r, s->file, line, name);
	inner.at = text;
	go_on = !text || scan_text(&inner, depth + 1);
	conf_file_wipe(text);
	return go_on;
}

/* False: it has no end, and what is wrong with that has been or will be said. */
static bool scan_text(struct scan *s, unsigned int depth)
{
	bool go_on = true;

	while (go_on && *s->at) {
		unsigned int line = s->line;
		char *name = scan_token(s);

		if (name)
			go_on = scan_included(s, line, name, depth);
		free(name);
	}
	return go_on;
}

/* What to do about the errors that libconfig finds. */
static const char *parse_advice(const char *error)
{
	static const char *const advice[][2] = {
		{"duplicate setting name", "remove one of the two"},
		{"mismatched element type in array", "write all in the same way, texts in quotes"},
		{"include file nesting too deep", "a file must not include itself"},
	};

	for (size_t i = 0; i < sizeof(advice) / sizeof(*advice); i++)
		if (!strcmp(error, advice[i][0]))
			return advice[i][1];
	return "look for a quote, bracket or \"=\" that is missing or too many, here or on the "
	       "line before";
}

static void error_parse(struct conf_reader *r, const config_t *config)
{
	conf_error_at(r, config_error_file(config), (unsigned int)config_error_line(config),
		"%s; %s", config_error_text(config), parse_advice(config_error_text(config)));
}

int conf_file_parse(struct conf_reader *r, const char *text, config_t *config)
{
	uint32_t before = r->error_count;
	unsigned int includes = 0;
	struct scan scan = {.r = r, .at = text, .line = 1, .includes = &includes};
	int directory = directory_len(r->path);
	char *include_dir = directory ? strndup(r->path, (size_t)directory) : strdup(".");
	int err = include_dir ? 0 : -ENOMEM;

	if (!err)
		(void)scan_text(&scan, 0);
	if (!err && r->error_count == before)
		err = conf_memory_read(config, include_dir, text);
	if (err == -ENOMEM)
		conf_error(r, NULL, "out of memory");
	else if (err)
		error_parse(r, config);
	free(include_dir);
	return r->error_count == before ? 0 : -EINVAL;
}
