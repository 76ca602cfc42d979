// SPDX-License-Identifier: GPL-2.0-or-later
/* The page cache: look-up, tags, reading a page for a fault, and write(2). */
#include <linux/pagemap.h>
#include <linux/writeback.h>

struct page *find_get_page(struct address_space *mapping, pgoff_t index)
{
	return index < MAPPING_PAGES ? mapping->i_pages[index] : NULL;
}

static struct page *add_to_page_cache(struct address_space *mapping, pgoff_t index)
{
	struct page *page = kzalloc(sizeof(*page));

	page->virtual = kzalloc(PAGE_SIZE);
	page->mapping = mapping;
	page->index = index;
	mapping->i_pages[index] = page;
	return page;
}

/* Find or make a page; it is returned locked. */
struct page *grab_cache_page_write_begin(struct address_space *mapping,
					 pgoff_t index)
{
	struct page *page;

	if (index >= MAPPING_PAGES)
		return NULL;
	page = find_get_page(mapping, index);
	if (!page)
		page = add_to_page_cache(mapping, index);
	lock_page(page);
	return page;
}

/* The next page at or after *index with this tag; *index moves past it. */
struct page *find_get_page_tag(struct address_space *mapping, pgoff_t *index,
			       pgoff_t end, u8 tag)
{
	while (*index <= end && *index < MAPPING_PAGES) {
		pgoff_t at = (*index)++;

		if (mapping->i_pages[at] && mapping->i_tags[at] & tag)
			return mapping->i_pages[at];
	}
	return NULL;
}

void mapping_set_tag(struct page *page, u8 tag)
{
	spin_lock(&page->mapping->i_lock);
	page->mapping->i_tags[page->index] |= tag;
	spin_unlock(&page->mapping->i_lock);
}

void mapping_clear_tag(struct page *page, u8 tag)
{
	spin_lock(&page->mapping->i_lock);
	page->mapping->i_tags[page->index] &= ~tag;
	spin_unlock(&page->mapping->i_lock);
}

vm_fault_t filemap_fault(struct vm_fault *vmf)
{
	struct file *file = vmf->vma->vm_file;
	struct page *page;

	if ((loff_t)vmf->pgoff << PAGE_SHIFT >= i_size_read(file->f_inode))
		return VM_FAULT_SIGBUS;
	page = grab_cache_page_write_begin(file->f_mapping, vmf->pgoff);
	if (!page)
		return VM_FAULT_OOM;
	if (!PageUptodate(page) &&
	    file->f_mapping->a_ops->readpage(file, page)) {
		unlock_page(page);
		return VM_FAULT_SIGBUS;
	}
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

ssize_t generic_perform_write(struct file *file, const void *from, size_t len,
			      loff_t pos)
{
	const struct address_space_operations *ops = file->f_mapping->a_ops;
	size_t done = 0;
	int err = 0;

	down_write(&file->f_inode->i_rwsem);
	file_update_time(file);
	while (done < len && !err) {
		size_t offset = (pos + done) & ~PAGE_MASK;
		size_t bytes = min(PAGE_SIZE - offset, len - done);
		struct page *page;

		err = ops->write_begin(file, pos + done, bytes, &page);
		if (err)
			break;
		memcpy(page->virtual + offset, (const u8 *)from + done, bytes);
		err = ops->write_end(file, pos + done, bytes, page);
		done += bytes;
	}
	up_write(&file->f_inode->i_rwsem);
	return err ? err : (ssize_t)done;
}
