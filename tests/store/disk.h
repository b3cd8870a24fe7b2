/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A disk in memory, under the production store: SQLite's default VFS. It writes a journal of all
 * that is done to it, so that crash.h can say what a power cut would have left at any moment, and
 * it can refuse any call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_file { DISK_DB, DISK_WAL, DISK_ROLLBACK, DISK_FILES };

enum disk_op_kind {
	DISK_CREATE,
	DISK_WRITE,
	DISK_TRUNCATE,
	DISK_DELETE,
	DISK_SYNC,	    /* what was written to the file is durable */
	DISK_SYNC_FAILED,   /* it is not, and never will be unless it is written again */
	DISK_SYNC_DIRECTORY /* so are the names */
};

struct disk_op {
	enum disk_op_kind kind;
	enum disk_file file;
	uint64_t at; /* of the write; new size of a truncate */
	uint32_t len;
	uint8_t *bytes;
};

struct disk_image {
	bool exists;
	uint8_t *bytes;
	size_t size, room;
};

/* Calls that can be refused. */
enum disk_call {
	DISK_CALL_OPEN,
	DISK_CALL_READ,
	DISK_CALL_WRITE,
	DISK_CALL_TRUNCATE,
	DISK_CALL_SYNC,
	DISK_CALL_DELETE,
	DISK_CALL_SIZE,
	DISK_CALL_SHM,
	DISK_CALLS
};

/* Installs it; the disk is empty, and its journal too. */
void disk_install(void);
/* Puts these images in place of what is there (copies), with an empty journal. */
void disk_mount(const struct disk_image images[DISK_FILES]);
/* What is written from now on is in the journal, or is not. */
void disk_journal(bool on);
/* Takes the journal over; it begins anew. To be given back to disk_ops_free(). */
struct disk_op *disk_take_ops(size_t *ret_count);
void disk_ops_free(struct disk_op *ops, size_t count);
size_t disk_op_count(void);
/* What the running system sees. */
const struct disk_image *disk_images(void);
/* The process is gone: nothing that it does while it is cleaned up changes anything. */
void disk_detach(bool detached);

/*
 * The store just opened moves its log into the database after a few pages, which otherwise takes
 * longer than a test.
 */
void disk_checkpoint_often(void);

/* Refuses the calls number `from`, from + 1 ... below `until`; all kinds are counted together. */
void disk_refuse(uint64_t from, uint64_t until, int code);
uint64_t disk_call_count(void);
/* How many calls of a kind have been made. */
uint64_t disk_calls(enum disk_call call);

/* Images as values. */
void image_write(struct disk_image *i, uint64_t at, const uint8_t *bytes, size_t len);
void image_truncate(struct disk_image *i, uint64_t size);
void image_copy(struct disk_image *to, const struct disk_image *from);
void image_free(struct disk_image *i);
