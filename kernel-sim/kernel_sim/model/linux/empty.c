// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What has no bearing on the write path: statistics, names, timers, and the like. Listed as empty.
 * Where trees differ in what they pass, only what all of them pass first is named here.
 */
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

void instead_of___init_waitqueue_head(struct wait_queue_head *head, const char *name, struct lock_class_key *key)
{
}

void instead_of_init_wait_entry(struct wait_queue_entry *entry, int flags)
{
}

const char *instead_of_bdevname(struct block_device *bdev, char *buffer)
{
	return buffer;
}

int instead_of_snprintf(char *buffer, size_t size, const char *format, ...)
{
	return 0;
}

char *instead_of_strreplace(char *text, char old, char new)
{
	return text;
}

void instead_of___inc_node_page_state(struct page *page, enum node_stat_item item)
{
}

void instead_of_inc_node_page_state(struct page *page, enum node_stat_item item)
{
}

void instead_of_dec_node_page_state(struct page *page, enum node_stat_item item)
{
}

void instead_of___mod_node_page_state(struct pglist_data *node, enum node_stat_item item, long delta)
{
}

void instead_of_mod_node_page_state(struct pglist_data *node, enum node_stat_item item, long delta)
{
}

void instead_of___inc_zone_page_state(struct page *page, enum zone_stat_item item)
{
}

void instead_of_inc_zone_page_state(struct page *page, enum zone_stat_item item)
{
}

void instead_of_dec_zone_page_state(struct page *page, enum zone_stat_item item)
{
}

void instead_of___mod_zone_page_state(struct zone *zone, enum zone_stat_item item, long delta)
{
}

struct pglist_data *instead_of_page_pgdat(const struct page *page)
{
	return NULL;
}

struct zone *instead_of_page_zone(const struct page *page)
{
	return NULL;
}

struct lruvec *instead_of_mem_cgroup_page_lruvec(struct page *page, struct pglist_data *pgdat)
{
	return NULL;
}

void instead_of___mod_lruvec_state(struct lruvec *lruvec, enum node_stat_item item, int value)
{
}

void instead_of_mod_lruvec_state(struct lruvec *lruvec, enum node_stat_item item, int value)
{
}

void instead_of_percpu_counter_add_batch(struct percpu_counter *counter, s64 amount, s32 batch)
{
}

void instead_of_account_page_dirtied(struct page *page, struct address_space *mapping)
{
}

void instead_of_sb_mark_inode_writeback(struct inode *inode)
{
}

void instead_of_sb_clear_inode_writeback(struct inode *inode)
{
}

void instead_of___wb_writeout_inc(struct bdi_writeback *wb)
{
}

int instead_of___sb_start_write(struct super_block *sb, int level)
{
	return 1;
}

void instead_of___sb_end_write(struct super_block *sb, int level)
{
}

void instead_of_add_timer(struct timer_list *timer)
{
}

int instead_of_mod_timer(struct timer_list *timer, unsigned long when)
{
	return 0;
}

int instead_of_del_timer(struct timer_list *timer)
{
	return 0;
}

unsigned long instead_of_round_jiffies_up(unsigned long when)
{
	return when;
}

time64_t instead_of_ktime_get_real_seconds(void)
{
	return 0;
}

void instead_of_ktime_get_coarse_real_ts64(struct timespec64 *now)
{
}

int instead_of_blkdev_issue_flush(struct block_device *bdev)
{
	return 0;
}

bool instead_of_queue_work_on(int cpu, struct workqueue_struct *queue, struct work_struct *work)
{
	return true;
}

int instead_of_errseq_check(errseq_t *seq, errseq_t since)
{
	return 0;
}

errseq_t instead_of_errseq_set(errseq_t *seq, int err)
{
	return 0;
}

void instead_of___add_wb_stat(struct bdi_writeback *wb, enum wb_stat_item item, s64 amount)
{
}

int instead_of___percpu_counter_init(struct percpu_counter *counter, s64 amount, gfp_t gfp, struct lock_class_key *key)
{
	return 0;
}

int instead_of___percpu_counter_init_many(struct percpu_counter *counters, s64 amount, gfp_t gfp, u32 count, struct lock_class_key *key)
{
	return 0;
}

void instead_of_percpu_counter_destroy(struct percpu_counter *counter)
{
}

int instead_of_register_shrinker(struct shrinker *shrinker)
{
	return 0;
}

void instead_of_mod_zone_page_state(struct zone *zone, enum zone_stat_item item, long delta)
{
}

void instead_of___fprop_add_percpu_max(struct fprop_global *all, struct fprop_local_percpu *one, int most, long count)
{
}

void instead_of_percpu_counter_add(struct percpu_counter *counter, s64 amount)
{
}

int instead_of_errseq_check_and_advance(errseq_t *seq, errseq_t *since)
{
	return 0;
}

void instead_of_wb_stat_mod(struct bdi_writeback *wb, enum wb_stat_item item, s64 amount)
{
}

void instead_of_rcu_read_unlock_strict(void)
{
}
