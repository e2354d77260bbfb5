// SPDX-License-Identifier: Apache-2.0
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/process/trim.h"

/* What is mapped from a file and never written. Not what was relocated: that is in segments that may be written. */
static int segments_drop(struct dl_phdr_info *object, size_t size, void *closure)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)closure;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t begin = object->dlpi_addr + segment->p_vaddr, end = begin + segment->p_memsz;

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		begin = (begin + page - 1) & ~(page - 1);
		end &= ~(page - 1);
		if (end > begin)
			madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

void process_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(segments_drop, NULL);
}
