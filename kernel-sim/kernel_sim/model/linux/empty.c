// SPDX-License-Identifier: GPL-2.0-or-later
/* What has no bearing on the write path: statistics, names, timers, and the like. Listed as empty. */
#include <linux/backing-dev.h>
#include <linux/blkdev.h>
#include <linux/errseq.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/writeback.h>
#include "sim_linux.h"

void model___init_waitqueue_head(struct wait_queue_head *head, const char *name, struct lock_class_key *key)
{
}

void model_init_wait_entry(struct wait_queue_entry *entry, int flags)
{
}

const char *model_bdevname(struct block_device *bdev, char *buffer)
{
	return buffer;
}

int model_snprintf(char *buffer, size_t size, const char *format, ...)
{
	return 0;
}

char *model_strreplace(char *text, char old, char new)
{
	return text;
}

void model___inc_node_page_state(struct page *page, enum node_stat_item item)
{
}

void model_inc_node_page_state(struct page *page, enum node_stat_item item)
{
}

void model_dec_node_page_state(struct page *page, enum node_stat_item item)
{
}

void model___mod_node_page_state(struct pglist_data *node, enum node_stat_item item, long delta)
{
}

void model_mod_node_page_state(struct pglist_data *node, enum node_stat_item item, long delta)
{
}

void model___inc_zone_page_state(struct page *page, enum zone_stat_item item)
{
}

void model_inc_zone_page_state(struct page *page, enum zone_stat_item item)
{
}

void model_dec_zone_page_state(struct page *page, enum zone_stat_item item)
{
}

void model___mod_zone_page_state(struct zone *zone, enum zone_stat_item item, long delta)
{
}

struct pglist_data *model_page_pgdat(const struct page *page)
{
	return NULL;
}

struct zone *model_page_zone(const struct page *page)
{
	return NULL;
}

struct lruvec *model_mem_cgroup_page_lruvec(struct page *page, struct pglist_data *pgdat)
{
	return NULL;
}

void model___mod_lruvec_state(struct lruvec *lruvec, enum node_stat_item item, int value)
{
}

void model_mod_lruvec_state(struct lruvec *lruvec, enum node_stat_item item, int value)
{
}

void model_percpu_counter_add_batch(struct percpu_counter *counter, s64 amount, s32 batch)
{
}

void model_account_page_dirtied(struct page *page, struct address_space *mapping)
{
}

void model_sb_mark_inode_writeback(struct inode *inode)
{
}

void model_sb_clear_inode_writeback(struct inode *inode)
{
}

void model___wb_writeout_inc(struct bdi_writeback *wb)
{
}

void model___sb_start_write(struct super_block *sb, int level)
{
}

void model___sb_end_write(struct super_block *sb, int level)
{
}

void model_add_timer(struct timer_list *timer)
{
}

int model_mod_timer(struct timer_list *timer, unsigned long when)
{
	return 0;
}

int model_del_timer(struct timer_list *timer)
{
	return 0;
}

unsigned long model_round_jiffies_up(unsigned long when)
{
	return when;
}

time64_t model_ktime_get_real_seconds(void)
{
	return 0;
}

void model_ktime_get_coarse_real_ts64(struct timespec64 *now)
{
}

int model_blkdev_issue_flush(struct block_device *bdev, gfp_t gfp)
{
	return 0;
}

bool model_queue_work_on(int cpu, struct workqueue_struct *queue, struct work_struct *work)
{
	return true;
}

int model_errseq_check(errseq_t *seq, errseq_t since)
{
	return 0;
}

errseq_t model_errseq_set(errseq_t *seq, int err)
{
	return 0;
}

void model___add_wb_stat(struct bdi_writeback *wb, enum wb_stat_item item, s64 amount)
{
}

int model___percpu_counter_init(struct percpu_counter *counter, s64 amount, gfp_t gfp, struct lock_class_key *key)
{
	return 0;
}

int model___percpu_counter_init_many(struct percpu_counter *counters, s64 amount, gfp_t gfp, u32 count, struct lock_class_key *key)
{
	return 0;
}

void model_percpu_counter_destroy(struct percpu_counter *counter)
{
}

int model_register_shrinker(struct shrinker *shrinker, const char *format, ...)
{
	return 0;
}

void model_mod_zone_page_state(struct zone *zone, enum zone_stat_item item, long delta)
{
}

void model___fprop_add_percpu_max(struct fprop_global *all, struct fprop_local_percpu *one, int most, long count)
{
}

void model_percpu_counter_add(struct percpu_counter *counter, s64 amount)
{
}

int model_errseq_check_and_advance(errseq_t *seq, errseq_t *since)
{
	return 0;
}

void model_wb_stat_mod(struct bdi_writeback *wb, enum wb_stat_item item, s64 amount)
{
}
