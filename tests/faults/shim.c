// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * LD_PRELOAD for a daemon whose n-th call of a kind is to fail. What is to fail stands in a file
 * of memory (struct control) that the sweep has open as well, so that it can change its mind
 * while the daemon runs: DLMA_FAULTS names it. Calls count from the moment when the constructors
 * are done, and then from each change. The layout is that of tests/faults/control.py.
 *
 * DLMA_FAULTS_TRACE=1 writes on stderr who made the call that failed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum call_class { CALL_NONE, CALL_ALLOC, CALL_WRITE, CALL_SEND, CALL_BPF, CALL_CLASS_COUNT };

enum { FRAMES_MAX = 24, EARLY_SIZE = 4096, MODULES_MAX = 64, ORIGINS_MAX = 1 << 14 };

struct control {
	uint32_t class; /* of the calls that fail; CALL_NONE: none does */
	uint32_t from;	/* the first that fails, from 1 */
	uint32_t count; /* how many in a row */
	uint32_t failed;
	uint32_t recording; /* whether it is to be written down where allocations come from */
	uint32_t calls[CALL_CLASS_COUNT];
	uint32_t origin[ORIGINS_MAX]; /* of each allocation: a name for its way there */
};

/* Where a program or library is in memory, which differs from run to run. */
struct module {
	uintptr_t begin, end;
};

static struct control *control;
static struct module modules[MODULES_MAX];
static size_t module_count;
static bool traced;

/* The function behind ours, be it of the C library or of a sanitizer. */
#define real(name)                                                            \
	({                                                                    \
		static __typeof__(&(name)) found;                             \
		if (!found)                                                   \
			found = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name); \
		found;                                                        \
	})

static void trace(enum call_class class, uint32_t number)
{
	static const char *const names[] = {[CALL_ALLOC] = "alloc",
		[CALL_WRITE] = "write",
		[CALL_SEND] = "send",
		[CALL_BPF] = "bpf"};
	void *frames[FRAMES_MAX];
	char text[64];
	int len = snprintf(text, sizeof(text), "fault: %s call %u fails\n", names[class], number);

	(void)!real(write)(STDERR_FILENO, text, (size_t)len);
	backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
}

static int keep_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct module *m = &modules[module_count];

	(void)size, (void)arg;
	if (module_count == MODULES_MAX)
		return 1;
	m->begin = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			m->end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr +
				 info->dlpi_phdr[i].p_memsz;
	module_count++;
	return 0;
}

/* The same in each run. */
static uint32_t place_of(uintptr_t at)
{
	for (size_t i = 0; i < module_count; i++)
		if (at >= modules[i].begin && at < modules[i].end)
			return (uint32_t)(at - modules[i].begin + i * 0x9e3779b9u);
	return 0;
}

static uint32_t origin(void)
{
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX);
	uint32_t name = 2166136261u;

	for (int i = 0; i < count; i++)
		name = (name ^ place_of((uintptr_t)frames[i])) * 16777619u;
	return name;
}

/* Counts a call; whether it is to fail, with errno as it then should be. */
static bool fails(enum call_class class, int error)
{
	struct control *c = control;
	uint32_t number;

	if (!c)
		return false;
	number = __atomic_add_fetch(&c->calls[class], 1, __ATOMIC_SEQ_CST);
	if (class == CALL_ALLOC && c->recording && number <= ORIGINS_MAX)
		c->origin[number - 1] = origin();
	if (__atomic_load_n(&c->class, __ATOMIC_SEQ_CST) != class || number < c->from ||
		number - c->from >= c->count)
		return false;
	__atomic_add_fetch(&c->failed, 1, __ATOMIC_SEQ_CST);
	if (traced)
		trace(class, number);
	errno = error;
	return true;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("DLMA_FAULTS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *frame, *p;

	if (fd < 0) {
		fprintf(stderr, "shim: cannot open %s\n",
			path ? path : "DLMA_FAULTS, which is not set");
		_exit(99);
	}
	traced = getenv("DLMA_FAULTS_TRACE");
	(void)backtrace(&frame, 1); /* what it loads, it loads now */
	dl_iterate_phdr(keep_module, NULL);
	p = real(mmap)(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		_exit(99);
	control = p;
}

/* Memory. What dlsym() itself asks for, while it looks for calloc(), is never given back. */

static void *early(size_t size)
{
	static _Alignas(16) char room[EARLY_SIZE];
	static size_t used;
	void *p = room + used;

	used += (size + 15) & ~(size_t)15;
	return used <= sizeof(room) ? p : NULL;
}

void *malloc(size_t size)
{
	return fails(CALL_ALLOC, ENOMEM) ? NULL : real(malloc)(size);
}

void *calloc(size_t count, size_t size)
{
	static __typeof__(&calloc) behind;
	static bool looking;

	if (!behind && looking)
		return early(count * size);
	if (!behind) {
		looking = true;
		behind = (__typeof__(&calloc))dlsym(RTLD_NEXT, "calloc");
	}
	return fails(CALL_ALLOC, ENOMEM) ? NULL : behind(count, size);
}

void *realloc(void *p, size_t size)
{
	return fails(CALL_ALLOC, ENOMEM) ? NULL : real(realloc)(p, size);
}

void *reallocarray(void *p, size_t count, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(count, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	return fails(CALL_ALLOC, ENOMEM) ? ENOMEM : real(posix_memalign)(ret, alignment, size);
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	if (fails(CALL_ALLOC, ENOMEM))
		return MAP_FAILED;
	return real(mmap)(at, len, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	return mmap(at, len, protection, flags, fd, offset);
}

/* Files. */

ssize_t write(int fd, const void *data, size_t len)
{
	return fails(CALL_WRITE, ENOSPC) ? -1 : real(write)(fd, data, len);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return fails(CALL_WRITE, ENOSPC) ? -1 : real(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return fails(CALL_WRITE, ENOSPC) ? -1 : real(pwrite)(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset)
{
	return pwrite(fd, data, len, offset);
}

int ftruncate(int fd, off_t len)
{
	return fails(CALL_WRITE, EIO) ? -1 : real(ftruncate)(fd, len);
}

int ftruncate64(int fd, off_t len)
{
	return ftruncate(fd, len);
}

int fsync(int fd)
{
	return fails(CALL_WRITE, EIO) ? -1 : real(fsync)(fd);
}

int fdatasync(int fd)
{
	return fails(CALL_WRITE, EIO) ? -1 : real(fdatasync)(fd);
}

/* Sockets. */

ssize_t send(int fd, const void *data, size_t len, int flags)
{
	return fails(CALL_SEND, ENOBUFS) ? -1 : real(send)(fd, data, len, flags);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	socklen_t to_len)
{
	return fails(CALL_SEND, ENOBUFS) ? -1 : real(sendto)(fd, data, len, flags, to, to_len);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return fails(CALL_SEND, ENOBUFS) ? -1 : real(sendmsg)(fd, message, flags);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	return fails(CALL_SEND, ENOBUFS) ? -1 : real(sendmmsg)(fd, messages, count, flags);
}

/* bpf() has no function of its own in the C library. */

long syscall(long number, ...)
{
	long a[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && fails(CALL_BPF, ENOMEM))
		return -1;
	return real(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
