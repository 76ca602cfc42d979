// SPDX-License-Identifier: GPL-2.0-or-later
/* What scenarios do, on a real tree: a small file system put together by hand, with a real journal. */
#include <linux/backing-dev.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/writeback.h>
#include <linux/mount.h>
#include <crypto/hash.h>
#include "sim_fault.h"
#include "sim_mount.h"
#include "sim_page.h"

/* Static in the tree. */
int journal_init_caches(void);
struct jbd2_revoke_table_s *jbd2_journal_init_revoke_table(int hash_size);
/* Cut out of the tree's own mount: which functions it hands to the journal, and when. */
void sim_install_callbacks(struct super_block *sb);

struct super_block sim_sb;
struct ext4_sb_info sim_sbi;
struct sim_device sim_home_device;
unsigned int sim_block_bits = 12;
static struct ext4_super_block raw_super;
static struct super_block devices;
static struct sim_device journal_device;
static struct backing_dev_info bdi;
static struct vfsmount mount;
static struct crypto_shash shash;
static struct mapped_file files[FILES];
static int file_count;
static unsigned long in_use[SIM_THREADS];	/* a word for each thread, so that none is shared */

struct mapped_file *sim_this_file(void)
{
	return &files[in_use[sim_self()]];
}

int sim_files(void)
{
	return file_count;
}

int sim_use(int number)
{
	int before = in_use[sim_self()];

	in_use[sim_self()] = number;
	return before;
}

struct mapped_file *sim_file_mapped(struct address_space *mapping)
{
	int i;

	for (i = 0; i < file_count; i++)
		if (mapping == &files[i].node.vfs_inode.i_data)
			return &files[i];
	return NULL;
}

/* The block of the disk that has a block of a file. */
unsigned long sim_home(const struct inode *inode, unsigned long block)
{
	if (block >= FILE_BLOCKS)
		sim_inconclusive("a file is longer than the model's are");
	return DATA_FIRST + (inode->i_ino - FIRST_INODE) * FILE_BLOCKS + block;
}

struct ext4_inode *sim_raw_inode(unsigned char *block, const struct inode *inode)
{
	return (struct ext4_inode *)(block + (inode->i_ino - FIRST_INODE) * INODE_SIZE);
}

/* ------------------------------------------------------------------ what the file system is told */

int instead_of_ext4_map_blocks(handle_t *handle, struct inode *inode, struct ext4_map_blocks *map, int flags)
{
	map->m_pblk = sim_home(inode, map->m_lblk);
	map->m_len = 1;
	map->m_flags = sim_find_block(handle, inode, map->m_lblk, flags & EXT4_GET_BLOCKS_CREATE);
	return map->m_flags != 0;
}

int instead_of_ext4_get_inode_loc(struct inode *inode, struct ext4_iloc *iloc)
{
	iloc->bh = __getblk(&sim_home_device.bdev, INODE_BLOCK, SIM_BLOCK_BYTES);
	if (!buffer_uptodate(iloc->bh)) {
		sim_copy(iloc->bh->b_data, sim_disk + INODE_BLOCK * SIM_BLOCK_BYTES, SIM_BLOCK_BYTES);
		set_buffer_uptodate(iloc->bh);
	}
	iloc->offset = (inode->i_ino - FIRST_INODE) * INODE_SIZE;
	iloc->block_group = 0;
	return 0;
}

/* Length, flags, which blocks are holes, and a number that changes each time: enough for the journal. */
int instead_of_ext4_do_update_inode(handle_t *handle, struct inode *inode, struct ext4_iloc *iloc)
{
	struct ext4_inode *raw = sim_raw_inode((unsigned char *)iloc->bh->b_data, inode);

	spin_lock(&EXT4_I(inode)->i_raw_lock);
	raw->i_generation = cpu_to_le32(le32_to_cpu(raw->i_generation) + 1);
	raw->i_flags = cpu_to_le32(EXT4_I(inode)->i_flags);
	raw->i_obso_faddr = cpu_to_le32(sim_holes(inode));	/* else unused */
	ext4_isize_set(raw, EXT4_I(inode)->i_disksize);
	spin_unlock(&EXT4_I(inode)->i_raw_lock);
	return ext4_handle_dirty_metadata(handle, NULL, iloc->bh);
}

int instead_of_ext4_ext_index_trans_blocks(struct inode *inode, int extents)
{
	return 4;
}

int instead_of_ext4_ind_trans_blocks(struct inode *inode, int blocks)
{
	return 4;
}

/* No block is ever freed. */
void instead_of_ext4_process_freed_data(struct super_block *of, tid_t tid)
{
}

int instead_of_file_update_time(struct file *of)
{
	sim_sb.s_op->dirty_inode(file_inode(of), I_DIRTY_SYNC);
	return 0;
}

static const struct super_operations super_operations = {
	.dirty_inode = ext4_dirty_inode,
};

struct crypto_shash *instead_of_crypto_alloc_shash(const char *name, u32 type, u32 mask)
{
	shash.descsize = 4;
	return &shash;
}

int instead_of_crypto_shash_update(struct shash_desc *desc, const u8 *data, unsigned int len)
{
	u32 *context = (u32 *)((char *)desc + sizeof(*desc));

	*context = sim_crc32c(*context, data, len);
	return 0;
}

struct kmem_cache *instead_of_kmem_cache_create(const char *name, unsigned int size, unsigned int align,
					   slab_flags_t flags, void (*ctor)(void *))
{
	return sim_cache_aligned(size, align);
}

int instead_of_jbd2_journal_start_thread(journal_t *journal)
{
	return 0;
}

/* The tables are gone through at each commit and each recovery: small ones do for a few blocks. */
int instead_of_jbd2_journal_init_revoke(journal_t *journal, int hash_size)
{
	int i;

	for (i = 0; i < 2; i++)
		journal->j_revoke_table[i] = jbd2_journal_init_revoke_table(REVOKE_LISTS);
	journal->j_revoke = journal->j_revoke_table[1];
	spin_lock_init(&journal->j_revoke_lock);
	return 0;
}

void instead_of_jbd2_stats_proc_init(journal_t *journal)
{
}

/* ------------------------------------------------------------------------------------- the mount */

/* The cache of a device is never used; errors are looked for there. */
void sim_make_device(struct sim_device *device, unsigned char **bytes, unsigned long first)
{
	static struct inode inode;

	inode.i_mapping = &inode.i_data;
	inode.i_data.host = &inode;
	inode.i_sb = blockdev_superblock;
#ifdef SIM_BD_MAPPING
	device->bdev.bd_mapping = &inode.i_data;
#else
	device->bdev.bd_inode = &inode;
#endif
	device->bytes = bytes;
	device->first = first;
	sim_make_disk(device);
}

static void format(unsigned char *disk)
{
	journal_superblock_t *super = (void *)(disk + JOURNAL_FIRST * SIM_BLOCK_BYTES);

	super->s_header.h_magic = cpu_to_be32(JBD2_MAGIC_NUMBER);
	super->s_header.h_blocktype = cpu_to_be32(JBD2_SUPERBLOCK_V2);
	super->s_blocksize = cpu_to_be32(SIM_BLOCK_BYTES);
	super->s_maxlen = cpu_to_be32(JOURNAL_LENGTH);
	super->s_first = cpu_to_be32(1);
	super->s_sequence = cpu_to_be32(1);
	super->s_nr_users = cpu_to_be32(1);
	super->s_feature_incompat = cpu_to_be32(JBD2_FEATURE_INCOMPAT_CSUM_V3 |
						JBD2_FEATURE_INCOMPAT_64BIT);
	super->s_checksum_type = JBD2_CRC32C_CHKSUM;
	super->s_checksum = cpu_to_be32(sim_crc32c(~0U, super, sizeof(*super)));
}

static void make_journal(void)
{
	struct list_head *freed = (struct list_head *)&sim_sbi.s_freed_data_list;	/* one, or several */
	struct list_head *end = (struct list_head *)(&sim_sbi.s_freed_data_list + 1);
	journal_t *journal;

	journal_init_caches();
	format(sim_disk);
	journal = jbd2_journal_init_dev(&journal_device.bdev, &sim_home_device.bdev, 0, JOURNAL_LENGTH, SIM_BLOCK_BYTES);
	if (IS_ERR_OR_NULL(journal) || jbd2_journal_load(journal))
		sim_inconclusive("the journal cannot be loaded");
	journal->j_private = &sim_sb;
	sim_sbi.s_journal = journal;
	sim_name_lock(&journal->j_state_lock, "j_state_lock");
	sim_name_lock(&journal->j_list_lock, "j_list_lock");
	spin_lock_init(&sim_sbi.s_md_lock);
	for (; freed < end; freed++)
		INIT_LIST_HEAD(freed);
	sim_install_callbacks(&sim_sb);
}

/* Where a tree has its mark for a device that wants pages to keep still. */
static void want_stable_pages(void)
{
#if defined(BDI_CAP_STABLE_WRITES)
	bdi.capabilities |= BDI_CAP_STABLE_WRITES;
#elif defined(SB_I_STABLE_WRITES)
	sim_sb.s_iflags |= SB_I_STABLE_WRITES;
#else
	sim_inconclusive("how this tree marks a device that wants stable pages is not known");
#endif
}

static void make_super(enum sim_data_mode mode)
{
	static const unsigned int options[] = {
		[SIM_JOURNAL] = EXT4_MOUNT_JOURNAL_DATA,
		[SIM_ORDERED] = EXT4_MOUNT_ORDERED_DATA,
		[SIM_WRITEBACK] = EXT4_MOUNT_WRITEBACK_DATA,
	};

	sim_sb.s_fs_info = &sim_sbi;
	sim_sb.s_op = &super_operations;
	sim_sb.s_blocksize = SIM_BLOCK_BYTES;
	sim_sb.s_blocksize_bits = sim_block_bits;
	sim_sb.s_bdev = &sim_home_device.bdev;
	sim_sb.s_bdi = &bdi;
#ifdef BDI_CAP_WRITEBACK	/* once it was the other way round */
	bdi.capabilities |= BDI_CAP_WRITEBACK;
#endif
#ifdef BDI_CAP_WRITEBACK_ACCT
	bdi.capabilities |= BDI_CAP_WRITEBACK_ACCT;
#endif
	if (sim_wants_stable_pages())
		want_stable_pages();
	sim_sb.s_maxbytes = 1UL << 40;
	sim_sb.s_time_gran = 1;
	sim_sb.s_time_max = S64_MAX;
	sim_sbi.s_sb = &sim_sb;
	sim_sbi.s_es = &raw_super;
	sim_sbi.s_mount_opt = options[mode];
	sim_sbi.s_bitmap_maxbytes = sim_sb.s_maxbytes;
	sim_sbi.s_cluster_ratio = 1;
	raw_super.s_feature_compat = cpu_to_le32(EXT4_FEATURE_COMPAT_HAS_JOURNAL);
}

static void make_pages(struct inode *inode, int pages)
{
	unsigned char *home = sim_disk + sim_home(inode, 0) * SIM_BLOCK_BYTES;
	int i;

	if (pages > FILE_PAGES)
		sim_inconclusive("a file is longer than the model's are");
	sim_fill(home, 'a', (long)pages * PAGE_SIZE);
	for (i = 0; i < pages; i++) {
		struct page *page = sim_new_page();

		sim_put_into_file(page, inode->i_mapping, i);
		sim_fill(page_address(page), 'a', PAGE_SIZE);
		xa_store(&inode->i_data.i_pages, i, page, GFP_KERNEL);
		inode->i_data.nrpages++;
	}
}

static void make_inode(struct ext4_inode_info *node, int journal_flag, long size)
{
	struct inode *inode = &node->vfs_inode;

	sim_name_lock(&inode->i_rwsem, "i_rwsem");
	sim_name_lock(&inode->i_data.i_pages.xa_lock, "i_pages");
	inode->i_sb = &sim_sb;
	inode->i_ino = FIRST_INODE + file_count;
	inode->i_mode = S_IFREG | 0600;
	inode->i_blkbits = sim_block_bits;
	inode->i_size = size;
	node->i_disksize = size;
	inode->i_mapping = &inode->i_data;
	inode->i_data.host = inode;
	xa_init_flags(&inode->i_data.i_pages, XA_FLAGS_LOCK_IRQ);
#ifdef SIM_MAPPING_STABLE
	if (sim_wants_stable_pages())
		mapping_set_stable_writes(&inode->i_data);
#endif
	if (journal_flag)
		ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	ext4_set_aops(inode);
	if (ext4_inode_attach_jinode(inode))
		sim_inconclusive("no journal inode");
	ext4_isize_set(sim_raw_inode(sim_disk + INODE_BLOCK * SIM_BLOCK_BYTES, inode), size);
}

/* On the disk from the start: nothing has to be committed. */
int sim_file(int journal_flag, int pages)
{
	struct mapped_file *one = &files[file_count];

	if (file_count == FILES)
		sim_inconclusive("too many files");
	make_inode(&one->node, journal_flag, (long)pages * PAGE_SIZE);
	one->file.f_inode = &one->node.vfs_inode;
	one->file.f_mapping = one->file.f_inode->i_mapping;
	one->file.f_path.mnt = &mount;
	make_pages(one->file.f_inode, pages);
	sim_map_file(one);
	return file_count++;
}

void sim_block_size(int bytes)
{
	for (sim_block_bits = 10; 1 << sim_block_bits < bytes; sim_block_bits++)
		;
}

void sim_mount(enum sim_data_mode mode, int journal_flag, int pages)
{
	sim_disk = sim_alloc(SIM_BLOCKS * SIM_BLOCK_BYTES);
	sim_start();
	blockdev_superblock = &devices;
	devices.s_bdi = &bdi;
	sim_make_device(&sim_home_device, &sim_disk, 0);
	sim_make_device(&journal_device, &sim_disk, JOURNAL_FIRST);
	sim_make_crashes();
	ext4_init_pageio();
	sim_name_lock(&sim_mm.mmap_lock, "mmap_lock");
	make_super(mode);
	make_journal();
	sim_file(journal_flag, pages);
	sim_start_device();
}
