/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of this model that know the file system have in common. */
#ifndef _SIM_MOUNT_H
#define _SIM_MOUNT_H

#include <linux/mm.h>
#include <sim/scenario.h>
#include "sim_linux.h"
#include "fs/ext4/ext4.h"
#include "fs/ext4/ext4_jbd2.h"

#define INODE_SIZE	256
#define FIRST_INODE	12
#define JOURNAL_LENGTH	2048	/* a shorter one is refused */
#define REVOKE_LISTS	4

/* A file that is open and mapped. */
struct mapped_file {
	struct ext4_inode_info node;
	struct file file;
	struct vm_area_struct vma;
	pte_t ptes[FILE_PAGES];
};

extern struct super_block sim_sb;
extern struct ext4_sb_info sim_sbi;
extern struct sim_device sim_home_device;

int sim_files(void);
struct mapped_file *sim_this_file(void);
struct mapped_file *sim_file_mapped(struct address_space *mapping);
void sim_make_device(struct sim_device *device, unsigned char **bytes, unsigned long first);
void sim_make_crashes(void);
void sim_map_file(struct mapped_file *one);
struct page *sim_page_of(struct mapped_file *one, unsigned long index);
unsigned long sim_home(const struct inode *inode, unsigned long block);
void sim_unmap(struct mapped_file *one, unsigned long index);
int sim_find_block(handle_t *handle, struct inode *inode, unsigned long block, int create);
unsigned int sim_holes(const struct inode *inode);
struct ext4_inode *sim_raw_inode(unsigned char *block, const struct inode *inode);

#endif
