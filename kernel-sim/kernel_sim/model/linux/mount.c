// SPDX-License-Identifier: GPL-2.0-or-later
/* What scenarios do, on a real tree: a small file system put together by hand, with a real journal. */
#include <linux/backing-dev.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/writeback.h>
#include <linux/mount.h>
#include <linux/version.h>
#include <crypto/hash.h>
#include <sim/scenario.h>
#include "sim_linux.h"
#include "fs/ext4/ext4.h"
#include "fs/ext4/ext4_jbd2.h"

#define BLOCK		4096
#define INODE_BLOCK	1
#define DATA_FIRST	8
#define JOURNAL_FIRST	32
#define JOURNAL_LENGTH	2048	/* a shorter one is refused; only its first blocks exist */

/* Static in the tree. */
int journal_init_caches(void);
vm_fault_t wp_page_shared(struct vm_fault *vmf);
vm_fault_t do_shared_fault(struct vm_fault *vmf);
int load_superblock(journal_t *journal);
/* Cut out of the tree's own mount: which functions it hands to the journal, and when. */
void sim_install_callbacks(struct super_block *sb);

static struct super_block sb;
static struct ext4_sb_info sbi;
static struct ext4_super_block raw_super;
static struct block_device device, journal_device, crashed_device, crashed_journal;
static struct backing_dev_info bdi;
static struct ext4_inode_info node;
static struct file file;
static struct vfsmount mount;
static struct vm_area_struct vma;
static struct crypto_shash shash;
static pmd_t pmd = { { { { SIM_PRESENT } } } };
static spinlock_t page_table_lock;
static unsigned long tlb, commit_lock;
static unsigned char *crashed_disk;
static pte_t ptes[SIM_PAGES];

/* ------------------------------------------------------------- the processor and its mappings */

static struct page *page_of(unsigned long index)
{
	return xa_load(&node.vfs_inode.i_data.i_pages, index);
}

/*
 * A store is one instruction: whoever takes write permission away flushes the TLBs, and that waits
 * for instructions under way. `tlb` is held for the length of a store, and by who write-protects.
 */
int sim_store(long offset, unsigned char value)
{
	unsigned long index = offset >> PAGE_SHIFT;
	pte_t *pte = &ptes[index];
	vm_fault_t ret;

	for (;;) {
		struct vm_fault vmf = {
			.vma = &vma,
			.flags = FAULT_FLAG_WRITE,
			.pgoff = index,
			.address = offset,
			.pmd = &pmd,
			.pte = pte,
			.ptl = &page_table_lock,
		};

		sim_acquire(&tlb, 1);
		vmf.orig_pte = *pte;
		if (pte_present(*pte) && pte_write(*pte)) {
			*pte = pte_mkdirty(*pte);
			((unsigned char *)page_address(pte_page(*pte)))[offset & ~PAGE_MASK] = value;
			sim_swap(&tlb, 8, 0);
			return 0;
		}
		sim_swap(&tlb, 8, 0);
		if (pte_present(vmf.orig_pte)) {
			vmf.page = pte_page(vmf.orig_pte);
			spin_lock(&page_table_lock);
			ret = wp_page_shared(&vmf);
		} else {
			ret = do_shared_fault(&vmf);
		}
		if (ret & VM_FAULT_ERROR)
			return -EFAULT;
	}
}

static vm_fault_t make_writable(struct vm_fault *vmf)
{
	pte_t entry = pfn_pte(page_to_pfn(vmf->page), PAGE_SHARED);
	vm_fault_t ret = 0;

	spin_lock(&page_table_lock);
	sim_acquire(&tlb, 1);
	if (pte_val(*vmf->pte) != pte_val(vmf->orig_pte))
		ret = VM_FAULT_NOPAGE;
	else
		*vmf->pte = pte_mkdirty(entry);
	sim_swap(&tlb, 8, 0);
	spin_unlock(&page_table_lock);
	return ret;
}

vm_fault_t instead_of_finish_mkwrite_fault(struct vm_fault *vmf)
{
	return make_writable(vmf);
}

vm_fault_t instead_of_finish_fault(struct vm_fault *vmf)
{
	return make_writable(vmf);
}

int sim_write_protect(struct page *page)
{
	pte_t *pte = &ptes[page->index];
	int cleaned = 0;

	if (page->mapping != &node.vfs_inode.i_data)
		return 0;
	spin_lock(&page_table_lock);
	sim_acquire(&tlb, 1);
	if (pte_present(*pte) && (pte_dirty(*pte) || pte_write(*pte))) {
		*pte = pte_mkclean(pte_wrprotect(*pte));
		cleaned = 1;
	}
	sim_swap(&tlb, 8, 0);
	spin_unlock(&page_table_lock);
	return cleaned;
}

int instead_of_page_mkclean(struct page *page)
{
	return sim_write_protect(page);
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	vmf->page = page_of(vmf->pgoff);
	lock_page(vmf->page);
	return VM_FAULT_LOCKED;
}

static const struct vm_operations_struct vm_operations = {
	.fault = fault,
	.page_mkwrite = ext4_page_mkwrite,
};

/* ------------------------------------------------------------------ what the file system is told */

int instead_of_ext4_map_blocks(handle_t *handle, struct inode *inode, struct ext4_map_blocks *map, int flags)
{
	map->m_pblk = DATA_FIRST + map->m_lblk;
	map->m_len = 1;
	map->m_flags = EXT4_MAP_MAPPED;
	return 1;
}

int instead_of_ext4_get_inode_loc(struct inode *inode, struct ext4_iloc *iloc)
{
	iloc->bh = __getblk(&device, INODE_BLOCK, BLOCK);
	set_buffer_uptodate(iloc->bh);
	iloc->offset = 0;
	iloc->block_group = 0;
	return 0;
}

/* Writes one number into the inode's block: enough for the journal. */
int instead_of_ext4_do_update_inode(handle_t *handle, struct inode *inode, struct ext4_iloc *iloc)
{
	(*(unsigned long *)iloc->bh->b_data)++;
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

int instead_of_ext4_convert_inline_data(struct inode *inode)
{
	return 0;
}

/* No block is ever freed. */
void instead_of_ext4_process_freed_data(struct super_block *of, tid_t tid)
{
}

int instead_of_file_update_time(struct file *of)
{
	sb.s_op->dirty_inode(file_inode(of), I_DIRTY_SYNC);
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
	return sim_cache(size);
}

int instead_of_jbd2_journal_start_thread(journal_t *journal)
{
	return 0;
}

void instead_of_jbd2_stats_proc_init(journal_t *journal)
{
}

/* ------------------------------------------------------------------------------------- the mount */

/* The cache of a device is never used; errors are looked for there. */
static void make_device(struct block_device *bdev)
{
	static struct inode inode;

	inode.i_mapping = &inode.i_data;
	inode.i_data.host = &inode;
	inode.i_sb = &sb;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	bdev->bd_mapping = &inode.i_data;
#else
	bdev->bd_inode = &inode;
#endif
}

static void format(unsigned char *disk)
{
	journal_superblock_t *super = (void *)(disk + JOURNAL_FIRST * BLOCK);

	super->s_header.h_magic = cpu_to_be32(JBD2_MAGIC_NUMBER);
	super->s_header.h_blocktype = cpu_to_be32(JBD2_SUPERBLOCK_V2);
	super->s_blocksize = cpu_to_be32(BLOCK);
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
	journal_t *journal;

	journal_init_caches();
	format(sim_disk);
	journal = jbd2_journal_init_dev(&journal_device, &device, 0, JOURNAL_LENGTH, BLOCK);
	if (!journal || jbd2_journal_load(journal))
		sim_inconclusive("the journal cannot be loaded");
	journal->j_private = &sb;
	sbi.s_journal = journal;
	sim_name_lock(&journal->j_state_lock, "j_state_lock");
	sim_name_lock(&journal->j_list_lock, "j_list_lock");
	spin_lock_init(&sbi.s_md_lock);
	INIT_LIST_HEAD(&sbi.s_freed_data_list);
	sim_install_callbacks(&sb);
}

static void make_super(enum sim_data_mode mode)
{
	static const unsigned int options[] = {
		[SIM_JOURNAL] = EXT4_MOUNT_JOURNAL_DATA,
		[SIM_ORDERED] = EXT4_MOUNT_ORDERED_DATA,
		[SIM_WRITEBACK] = EXT4_MOUNT_WRITEBACK_DATA,
	};

	sb.s_fs_info = &sbi;
	sb.s_op = &super_operations;
	sb.s_blocksize = BLOCK;
	sb.s_blocksize_bits = 12;
	sb.s_bdev = &device;
	sb.s_bdi = &bdi;
#ifdef BDI_CAP_WRITEBACK	/* once it was the other way round */
	bdi.capabilities = BDI_CAP_WRITEBACK | BDI_CAP_WRITEBACK_ACCT;
#endif
	sb.s_maxbytes = 1UL << 40;
	sbi.s_sb = &sb;
	sbi.s_es = &raw_super;
	sbi.s_mount_opt = options[mode];
	raw_super.s_feature_compat = cpu_to_le32(EXT4_FEATURE_COMPAT_HAS_JOURNAL);
}

static void make_file(int journal_flag, int pages)
{
	struct inode *inode = &node.vfs_inode;
	int i;

	sim_name_lock(&inode->i_rwsem, "i_rwsem");
	sim_name_lock(&inode->i_data.i_pages.xa_lock, "i_pages");
	inode->i_sb = &sb;
	inode->i_ino = 12;
	inode->i_mode = S_IFREG | 0600;
	inode->i_blkbits = 12;
	inode->i_size = (long)pages * PAGE_SIZE;
	node.i_disksize = inode->i_size;
	inode->i_mapping = &inode->i_data;
	inode->i_data.host = inode;
	xa_init_flags(&inode->i_data.i_pages, XA_FLAGS_LOCK_IRQ);
	if (journal_flag)
		ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	ext4_set_aops(inode);
	if (ext4_inode_attach_jinode(inode))
		sim_inconclusive("no journal inode");
	file.f_inode = inode;
	file.f_mapping = inode->i_mapping;
	file.f_path.mnt = &mount;
	vma.vm_file = &file;
	vma.vm_ops = &vm_operations;
	vma.vm_flags = VM_SHARED | VM_WRITE | VM_READ;
	for (i = 0; i < pages; i++) {
		struct page *page = sim_new_page();

		page->mapping = inode->i_mapping;
		page->index = i;
		page->flags = 1UL << PG_uptodate;
		sim_fill(page_address(page), 'a', PAGE_SIZE);
		sim_fill(sim_disk + (DATA_FIRST + i) * BLOCK, 'a', BLOCK);
		xa_store(&inode->i_data.i_pages, i, page, GFP_KERNEL);
		inode->i_data.nrpages++;
	}
}

void sim_mount(enum sim_data_mode mode, int journal_flag, int pages)
{
	sim_disk = sim_alloc(SIM_BLOCKS * BLOCK);
	sim_start();
	make_device(&device);
	make_device(&journal_device);
	make_device(&crashed_device);
	make_device(&crashed_journal);
	sim_add_device(&device, &sim_disk, 0);
	sim_add_device(&journal_device, &sim_disk, JOURNAL_FIRST);
	ext4_init_pageio();
	make_super(mode);
	make_journal();
	make_file(journal_flag, pages);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define WRITE_UNIT	struct folio
#define UNIT_PAGE(unit)	(&(unit)->page)
#define WRITE_FLAGS
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(5, 19, 0)
#define WRITE_UNIT	struct page
#define UNIT_PAGE(unit)	(unit)
#define WRITE_FLAGS
#else
#define WRITE_UNIT	struct page
#define UNIT_PAGE(unit)	(unit)
#define WRITE_FLAGS	0,
#endif

int sim_write(long offset, unsigned char value)
{
	struct address_space *mapping = file.f_mapping;
	WRITE_UNIT *unit;
	void *data = NULL;
	int ret;

	down_write(&file.f_inode->i_rwsem);
	file_update_time(&file);
	ret = mapping->a_ops->write_begin(&file, mapping, offset, 1, WRITE_FLAGS &unit, &data);
	if (!ret) {
		((unsigned char *)page_address(UNIT_PAGE(unit)))[offset & ~PAGE_MASK] = value;
		ret = mapping->a_ops->write_end(&file, mapping, offset, 1, 1, unit, data);
	}
	up_write(&file.f_inode->i_rwsem);
	return ret < 0 ? ret : 0;
}

void sim_commit(void)
{
	sim_acquire(&commit_lock, 1);
	sim_lock_taken(SIM_LOCK(&commit_lock), "the commit", 0);
	if (sbi.s_journal->j_running_transaction)
		jbd2_journal_commit_transaction(sbi.s_journal);
	sim_lock_dropped(SIM_LOCK(&commit_lock));
	sim_swap(&commit_lock, 8, 0);
}

void sim_writeback(void)
{
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_NONE,
		.nr_to_write = LONG_MAX,
		.range_end = LLONG_MAX,
	};

	if (do_writepages(file.f_mapping, &wbc))
		sim_fail("I/O error", "writeback failed");
}

unsigned char sim_power_cut(long offset)
{
	journal_t *journal;

	crashed_disk = sim_alloc(SIM_BLOCKS * BLOCK);
	sim_copy(crashed_disk, sim_disk, SIM_BLOCKS * BLOCK);
	sim_add_device(&crashed_device, &crashed_disk, 0);
	sim_add_device(&crashed_journal, &crashed_disk, JOURNAL_FIRST);
	journal = jbd2_journal_init_dev(&crashed_journal, &crashed_device, 0, JOURNAL_LENGTH, BLOCK);
	if (!journal || load_superblock(journal))
		sim_fail("recovery", "after a crash here the journal's superblock is bad");
	if (jbd2_journal_recover(journal))
		sim_fail("recovery", "after a crash here the journal cannot be recovered");
	return crashed_disk[DATA_FIRST * BLOCK + offset];
}

/* One file, on a device that has read its memory when a request returns. */
void sim_device(int settings)
{
	if (settings)
		sim_inconclusive("this kind of device is not modelled for real trees");
}

int sim_file(int journal_flag, int pages)
{
	sim_inconclusive("more than one file is not modelled for real trees");
	return -1;
}

int sim_use(int number)
{
	if (number)
		sim_inconclusive("more than one file is not modelled for real trees");
	return 0;
}

unsigned char sim_cached(long offset)
{
	return ((unsigned char *)page_address(page_of(offset >> PAGE_SHIFT)))[offset & ~PAGE_MASK];
}

int sim_will_be_written(long offset)
{
	struct page *page = page_of(offset >> PAGE_SHIFT);

	if (PageDirty(page) && xa_get_mark(&file.f_mapping->i_pages, page->index, PAGECACHE_TAG_DIRTY))
		return 1;
	if (page_has_buffers(page) && buffer_jbddirty(page_buffers(page)))
		return 1;
	/* Or it has been. */
	return !sim_compare(sim_disk + (DATA_FIRST + page->index) * BLOCK, page_address(page), BLOCK);
}
