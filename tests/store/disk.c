// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "disk.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHM_REGIONS = 64, CHECKPOINT_PAGES = 12 };

static struct {
	sqlite3_vfs vfs;
	sqlite3 *connection; /* the last that was opened */
	struct disk_image images[DISK_FILES];
	struct disk_op *ops;
	size_t op_count, op_room;
	void *shm[SHM_REGIONS];
	uint64_t calls[DISK_CALLS], call_count, refuse_from, refuse_until;
	int refuse_code;
	bool journalling, detached;
} disk;

struct file {
	sqlite3_file base;
	int number; /* enum disk_file; DISK_FILES: a temporary one, which nobody may use */
};

/* Images */

static void grow(struct disk_image *i, size_t size)
{
	if (size > i->room) {
		i->room = 2 * size;
		i->bytes = realloc(i->bytes, i->room);
		if (!i->bytes)
			abort();
	}
	if (size > i->size) {
		memset(i->bytes + i->size, 0, size - i->size);
		i->size = size;
	}
}

void image_write(struct disk_image *i, uint64_t at, const uint8_t *bytes, size_t len)
{
	grow(i, at + len);
	memcpy(i->bytes + at, bytes, len);
}

void image_truncate(struct disk_image *i, uint64_t size)
{
	grow(i, size);
	i->size = size;
}

void image_copy(struct disk_image *to, const struct disk_image *from)
{
	to->exists = from->exists;
	to->size = 0;
	if (from->size)
		image_write(to, 0, from->bytes, from->size);
}

void image_free(struct disk_image *i)
{
	free(i->bytes);
	*i = (struct disk_image){0};
}

/* The journal */

static void note(enum disk_op_kind kind, int number, uint64_t at, const void *bytes, uint32_t len)
{
	struct disk_op *op;

	if (!disk.journalling)
		return;
	if (disk.op_count == disk.op_room) {
		disk.op_room = disk.op_room ? 2 * disk.op_room : 1024;
		disk.ops = realloc(disk.ops, disk.op_room * sizeof(*disk.ops));
		if (!disk.ops)
			abort();
	}
	op = &disk.ops[disk.op_count++];
	*op = (struct disk_op){.kind = kind, .file = (enum disk_file)number, .at = at, .len = len};
	if (len)
		op->bytes = memcpy(malloc(len), bytes, len);
}

struct disk_op *disk_take_ops(size_t *ret_count)
{
	struct disk_op *ops = disk.ops;

	*ret_count = disk.op_count;
	disk.ops = NULL;
	disk.op_count = disk.op_room = 0;
	return ops;
}

void disk_ops_free(struct disk_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(ops[i].bytes);
	free(ops);
}

static void create(int number)
{
	struct disk_image *i = &disk.images[number];

	if (i->exists)
		return;
	i->exists = true;
	i->size = 0;
	note(DISK_CREATE, number, 0, NULL, 0);
}

/* Whether a call is to fail; it counts in any case. */
static bool refused(enum disk_call call)
{
	uint64_t n = disk.call_count++;

	disk.calls[call]++;
	return disk.detached || (n >= disk.refuse_from && n < disk.refuse_until);
}

static int code_of(int otherwise)
{
	return disk.detached || !disk.refuse_code ? otherwise : disk.refuse_code;
}

/* The files */

static struct disk_image *image_of(sqlite3_file *f)
{
	int number = ((struct file *)f)->number;

	if (number >= DISK_FILES)
		abort();
	return &disk.images[number];
}

static int number_of(sqlite3_file *f)
{
	return ((struct file *)f)->number;
}

static int on_close(sqlite3_file *f)
{
	(void)f;
	return SQLITE_OK;
}

static int on_read(sqlite3_file *f, void *to, int len, sqlite3_int64 at)
{
	const struct disk_image *i = image_of(f);
	size_t have = (size_t)at < i->size ? i->size - (size_t)at : 0;

	if (refused(DISK_CALL_READ))
		return SQLITE_IOERR_READ;
	have = have < (size_t)len ? have : (size_t)len;
	if (have)
		memcpy(to, i->bytes + at, have);
	memset((char *)to + have, 0, (size_t)len - have);
	return have == (size_t)len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *f, const void *from, int len, sqlite3_int64 at)
{
	if (refused(DISK_CALL_WRITE))
		return code_of(SQLITE_IOERR_WRITE);
	image_write(image_of(f), (uint64_t)at, from, (size_t)len);
	note(DISK_WRITE, number_of(f), (uint64_t)at, from, (uint32_t)len);
	return SQLITE_OK;
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (refused(DISK_CALL_TRUNCATE))
		return SQLITE_IOERR_TRUNCATE;
	image_truncate(image_of(f), (uint64_t)size);
	note(DISK_TRUNCATE, number_of(f), (uint64_t)size, NULL, 0);
	return SQLITE_OK;
}

static int on_sync(sqlite3_file *f, int flags)
{
	bool fails = refused(DISK_CALL_SYNC);

	(void)flags;
	if (!disk.detached)
		note(fails ? DISK_SYNC_FAILED : DISK_SYNC, number_of(f), 0, NULL, 0);
	return fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int on_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)image_of(f)->size;
	return refused(DISK_CALL_SIZE) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int on_lock(sqlite3_file *f, int level)
{
	(void)f;
	(void)level;
	return SQLITE_OK;
}

static int on_check_lock(sqlite3_file *f, int *ret)
{
	(void)f;
	*ret = 0;
	return SQLITE_OK;
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
	(void)f;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

/* As the unix VFS has them. */
static int on_sector_size(sqlite3_file *f)
{
	(void)f;
	return 4096;
}

static int on_characteristics(sqlite3_file *f)
{
	(void)f;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int on_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **ret)
{
	(void)f;
	*ret = NULL;
	if (refused(DISK_CALL_SHM))
		return SQLITE_IOERR_SHMMAP;
	if (region >= SHM_REGIONS)
		abort();
	if (!disk.shm[region] && extend)
		disk.shm[region] = calloc(1, (size_t)size);
	*ret = disk.shm[region];
	return SQLITE_OK;
}

static int on_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	(void)f;
	(void)offset;
	(void)n;
	(void)flags;
	return SQLITE_OK;
}

static void on_shm_barrier(sqlite3_file *f)
{
	(void)f;
}

static int on_shm_unmap(sqlite3_file *f, int delete)
{
	(void)f;
	(void)delete;
	for (int i = 0; i < SHM_REGIONS; i++) {
		free(disk.shm[i]);
		disk.shm[i] = NULL;
	}
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_lock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

/* The file system */

static int number_of_name(const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len > 4 && !strcmp(name + len - 4, "-wal"))
		return DISK_WAL;
	if (len > 8 && !strcmp(name + len - 8, "-journal"))
		return DISK_ROLLBACK;
	return len > 3 && !strcmp(name + len - 3, ".db") ? DISK_DB : DISK_FILES;
}

static int on_open(
	sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *ret_flags)
{
	int number = number_of_name(name);

	(void)v;
	f->pMethods = NULL;
	if (refused(DISK_CALL_OPEN) || number == DISK_FILES)
		return SQLITE_CANTOPEN;
	if (!disk.images[number].exists && !(flags & SQLITE_OPEN_CREATE))
		return SQLITE_CANTOPEN;
	create(number);
	((struct file *)f)->number = number;
	f->pMethods = &methods;
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *v, const char *name, int sync_directory)
{
	int number = number_of_name(name);

	(void)v;
	if (refused(DISK_CALL_DELETE))
		return SQLITE_IOERR_DELETE;
	if (!disk.images[number].exists)
		return SQLITE_IOERR_DELETE_NOENT;
	disk.images[number].exists = false;
	disk.images[number].size = 0;
	note(DISK_DELETE, number, 0, NULL, 0);
	if (sync_directory)
		note(DISK_SYNC_DIRECTORY, 0, 0, NULL, 0);
	return SQLITE_OK;
}

static int on_access(sqlite3_vfs *v, const char *name, int flags, int *ret)
{
	int number = number_of_name(name);

	(void)v;
	(void)flags;
	*ret = number < DISK_FILES && disk.images[number].exists;
	return SQLITE_OK;
}

static int on_path(sqlite3_vfs *v, const char *name, int room, char *ret)
{
	(void)v;
	snprintf(ret, (size_t)room, "%s", name);
	return SQLITE_OK;
}

static int on_randomness(sqlite3_vfs *v, int len, char *ret)
{
	(void)v;
	for (int i = 0; i < len; i++)
		ret[i] = (char)rand();
	return len;
}

static int on_time(sqlite3_vfs *v, double *ret)
{
	(void)v;
	*ret = 2460000.5;
	return SQLITE_OK;
}

static int on_error(sqlite3_vfs *v, int len, char *text)
{
	(void)v;
	(void)len;
	(void)text;
	return 0;
}

static int on_connection(sqlite3 *db, char **ret_error, const void *api)
{
	(void)ret_error;
	(void)api;
	disk.connection = db;
	return SQLITE_OK;
}

void disk_checkpoint_often(void)
{
	sqlite3_wal_autocheckpoint(disk.connection, CHECKPOINT_PAGES);
}

void disk_install(void)
{
	disk.vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct file),
		.mxPathname = 512,
		.zName = "dlma-disk",
		.xOpen = on_open,
		.xDelete = on_delete,
		.xAccess = on_access,
		.xFullPathname = on_path,
		.xRandomness = on_randomness,
		.xCurrentTime = on_time,
		.xGetLastError = on_error,
	};
	if (sqlite3_vfs_register(&disk.vfs, 1) ||
		sqlite3_auto_extension((void (*)(void))on_connection))
		abort();
}

void disk_mount(const struct disk_image images[DISK_FILES])
{
	size_t count;
	struct disk_op *ops = disk_take_ops(&count);

	disk_ops_free(ops, count);
	for (int i = 0; i < DISK_FILES; i++)
		image_copy(&disk.images[i], &images[i]);
}

void disk_journal(bool on)
{
	disk.journalling = on;
}

size_t disk_op_count(void)
{
	return disk.op_count;
}

const struct disk_image *disk_images(void)
{
	return disk.images;
}

void disk_detach(bool detached)
{
	disk.detached = detached;
}

void disk_refuse(uint64_t from, uint64_t until, int code)
{
	disk.refuse_from = from;
	disk.refuse_until = until;
	disk.refuse_code = code;
}

uint64_t disk_call_count(void)
{
	return disk.call_count;
}

uint64_t disk_calls(enum disk_call call)
{
	return disk.calls[call];
}
