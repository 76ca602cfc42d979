/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: handles, transactions, and what sits in the log. */
#ifndef _LINUX_JBD2_H
#define _LINUX_JBD2_H

#include <linux/buffer_head.h>
#include <linux/fs.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#define JBD2_MAGIC_NUMBER	0xc03b3998U
#define JBD2_DESCRIPTOR_BLOCK	1
#define JBD2_COMMIT_BLOCK	2
#define JBD2_FLAG_ESCAPE	1
#define JBD2_FLAG_LAST_TAG	8
#define JBD2_MAX_TAGS		32

#define J_ASSERT(cond)		BUG_ON(!(cond))

typedef struct journal_s journal_t;
typedef struct transaction_s transaction_t;
typedef struct jbd2_journal_handle handle_t;

/* On disk, in the byte order of the machine. */
typedef struct {
	u32 h_magic;
	u32 h_blocktype;
	u32 h_sequence;
} journal_header_t;

typedef struct {
	u32 t_blocknr;
	u32 t_flags;
	u32 t_checksum;
} journal_block_tag_t;

struct jbd2_journal_handle {
	transaction_t *h_transaction;
	int h_ref;
	int h_err;
};

/* Which list of a transaction a buffer is on. */
enum jbd2_jlist {
	BJ_None,
	BJ_Metadata,		/* to be written to the log */
	BJ_Forget,		/* written, to be refiled at the end */
	BJ_Shadow,		/* being written to the log */
	BJ_Reserved,		/* access was asked for, not yet dirtied */
	BJ_Types,
};

struct journal_head {
	struct buffer_head *b_bh;
	spinlock_t b_state_lock;
	enum jbd2_jlist b_jlist;
	bool b_modified;
	u8 *b_frozen_data;	/* copy for the committing transaction */
	transaction_t *b_transaction;
	transaction_t *b_next_transaction;
	struct list_head b_list;
};

#define JI_COMMIT_RUNNING	0x1
#define JI_WRITE_DATA		0x2
#define JI_WAIT_DATA		0x4

/* An inode whose data has to be dealt with when a transaction commits. */
struct jbd2_inode {
	transaction_t *i_transaction;
	transaction_t *i_next_transaction;
	struct list_head i_list;
	struct inode *i_vfs_inode;
	unsigned long i_flags;
	loff_t i_dirty_start;
	loff_t i_dirty_end;
};

enum jbd2_state {
	T_RUNNING,
	T_LOCKED,		/* no new handles, old ones still run */
	T_FLUSH,		/* inode data is dealt with */
	T_COMMIT,		/* blocks go to the log */
	T_FINISHED,
};

struct transaction_s {
	journal_t *t_journal;
	tid_t t_tid;
	enum jbd2_state t_state;
	int t_updates;		/* open handles */
	struct list_head t_buffers[BJ_Types];
	struct list_head t_inode_list;
};

struct journal_s {
	rwlock_t j_state_lock;
	spinlock_t j_list_lock;
	transaction_t *j_running_transaction;
	transaction_t *j_committing_transaction;
	wait_queue_head_t j_wait_transaction_locked;
	wait_queue_head_t j_wait_done_commit;
	wait_queue_head_t j_wait_updates;
	tid_t j_transaction_sequence;
	tid_t j_commit_sequence;
	struct block_device *j_dev;
	sector_t j_first, j_last, j_head;
	void *j_private;	/* the file system's super block */
};

static inline struct journal_head *bh2jh(const struct buffer_head *bh)
{
	return bh->b_private;
}

static inline struct buffer_head *jh2bh(const struct journal_head *jh)
{
	return jh->b_bh;
}

static inline handle_t *journal_current_handle(void)
{
	return current->journal_info;
}

/* fs/jbd2/transaction.c */
handle_t *jbd2_journal_start(journal_t *journal, int nblocks);
int jbd2_journal_stop(handle_t *handle);
int jbd2_journal_get_write_access(handle_t *handle, struct buffer_head *bh);
int jbd2_journal_dirty_metadata(handle_t *handle, struct buffer_head *bh);
int jbd2_journal_inode_ranged_write(handle_t *handle, struct jbd2_inode *jinode,
				    loff_t start_byte, loff_t length);
int jbd2_journal_inode_ranged_wait(handle_t *handle, struct jbd2_inode *jinode,
				   loff_t start_byte, loff_t length);
void jbd2_journal_file_buffer(struct journal_head *jh, transaction_t *transaction,
			      enum jbd2_jlist jlist);
void jbd2_journal_refile_buffer(journal_t *journal, struct journal_head *jh);

/* fs/jbd2/commit.c */
void jbd2_journal_commit_transaction(journal_t *journal);
u32 jbd2_block_csum(tid_t sequence, const void *data, size_t size);

/* fs/jbd2/journal.c */
journal_t *jbd2_journal_init_dev(struct block_device *bdev, sector_t first,
				 sector_t len);
void jbd2_journal_init_jbd_inode(struct jbd2_inode *jinode, struct inode *inode);
struct journal_head *jbd2_journal_add_journal_head(struct buffer_head *bh);
struct buffer_head *jbd2_journal_next_log_buffer(journal_t *journal);
struct buffer_head *jbd2_journal_write_metadata_buffer(transaction_t *transaction,
						       struct journal_head *jh,
						       int *escaped);
int jbd2_journal_force_commit(journal_t *journal);
int jbd2_journal_recover(journal_t *journal);

#endif
