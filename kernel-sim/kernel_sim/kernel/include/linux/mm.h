/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults and dirtying of pages. */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/page-flags.h>

#define FAULT_FLAG_WRITE	0x01
#define FAULT_FLAG_ALLOW_RETRY	0x04

#define VM_FAULT_OOM		0x0001
#define VM_FAULT_SIGBUS		0x0002
#define VM_FAULT_NOPAGE		0x0100
#define VM_FAULT_LOCKED		0x0200
#define VM_FAULT_RETRY		0x0400
#define VM_FAULT_ERROR		(VM_FAULT_OOM | VM_FAULT_SIGBUS)

static inline struct inode *file_inode(const struct file *file)
{
	return file->f_inode;
}

/* mm/memory.c */
void vma_link(struct vm_area_struct *vma, struct file *file);
vm_fault_t handle_mm_fault(struct vm_area_struct *vma, pgoff_t pgoff,
			   unsigned int flags);
int user_store(struct vm_area_struct *vma, loff_t offset, u8 value);
int page_mkclean(struct page *page);

/* mm/page-writeback.c */
int set_page_dirty(struct page *page);
int __set_page_dirty_nobuffers(struct page *page);
int clear_page_dirty_for_io(struct page *page);

/* fs/buffer.c */
int __set_page_dirty_buffers(struct page *page);

/* mm/filemap.c */
vm_fault_t filemap_fault(struct vm_fault *vmf);

#endif
