// SPDX-License-Identifier: Apache-2.0
#include "lib/process/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/time.h"

void child_bind_to_parent(const struct child *child)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* If the supervisor died before the request, another process has adopted us. */
	if (getppid() != child->parent)
		_exit(EXIT_FAILURE);
}

/*
 * Drops pages that are mapped from a file and never written. Skips relocated pages, which are in
 * writable segments.
 */
static int segments_drop(struct dl_phdr_info *object, size_t size, void *closure)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)closure;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t begin = object->dlpi_addr + segment->p_vaddr,
			  end = begin + segment->p_memsz;

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		begin = (begin + page - 1) & ~(page - 1);
		end &= ~(page - 1);
		if (end > begin)
			madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

/*
 * Releases memory that only the start needed: free memory, and pages of program and libraries
 * (symbols, constructors, BPF loading). The page cache returns pages that are used again.
 */
static void process_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(segments_drop, NULL);
}

/*
 * The heartbeat of a process. Opens files of /proc/self once, while that is permitted: they stay
 * readable after a change of the user and under seccomp.
 */

#define DETAIL_INTERVAL_NS (5 * NS_PER_S)
#define START_NS NS_PER_S /* by then, everything needed once has been used */

static struct {
	int rollup, statm, descriptors;
	uint64_t detail_due_ns;
	uint64_t trim_due_ns; /* 0: not started; UINT64_MAX: done */
} heartbeat = { -1, -1, -1, 0, 0 };

void heartbeat_close(void)
{
	close_descriptor(&heartbeat.rollup);
	close_descriptor(&heartbeat.statm);
	close_descriptor(&heartbeat.descriptors);
	heartbeat.detail_due_ns = 0;
	heartbeat.trim_due_ns = 0;
}

int heartbeat_open(void)
{
	heartbeat_close();
	heartbeat.rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	heartbeat.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	heartbeat.descriptors = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return heartbeat.rollup < 0 || heartbeat.statm < 0 || heartbeat.descriptors < 0 ? -errno
											: 0;
}

static bool text_read(int fd, char *text, size_t size)
{
	ssize_t length = fd < 0 ? -1 : pread(fd, text, size - 1, 0);

	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

static void start_forget(uint64_t now_ns)
{
	if (!heartbeat.trim_due_ns)
		heartbeat.trim_due_ns = now_ns + START_NS;
	if (now_ns < heartbeat.trim_due_ns)
		return;
	heartbeat.trim_due_ns = UINT64_MAX;
	process_trim();
}

static void memory_write(struct process_cell *cell)
{
	static const char key[] = "\nPss:";
	char text[1024];
	const char *pss;

	if (text_read(heartbeat.rollup, text, sizeof(text)) && (pss = strstr(text, key)))
		cell->pss_bytes = strtoull(pss + sizeof(key) - 1, NULL, 10) * 1024;
	if (text_read(heartbeat.statm, text, sizeof(text)))
		cell->virtual_bytes = strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void descriptors_write(struct process_cell *cell)
{
	_Alignas(struct dirent64) char entries[4096];
	uint64_t count = 0;
	ssize_t length;

	if (heartbeat.descriptors < 0 || lseek(heartbeat.descriptors, 0, SEEK_SET) < 0)
		return;
	while ((length = getdents64(heartbeat.descriptors, entries, sizeof(entries))) > 0) {
		for (ssize_t at = 0; at < length;) {
			const struct dirent64 *entry = (const struct dirent64 *)(entries + at);

			count += entry->d_name[0] != '.';
			at += entry->d_reclen;
		}
	}
	if (length == 0)
		cell->open_fds = count;
}

void heartbeat_write(struct shared *shared, enum process process, uint64_t now_ns)
{
	struct process_cell *cell = &shared->processes[process];

	cell->heartbeat_ns = now_ns;
	start_forget(now_ns);
	if (now_ns < heartbeat.detail_due_ns)
		return;
	heartbeat.detail_due_ns = now_ns + DETAIL_INTERVAL_NS;
	memory_write(cell);
	descriptors_write(cell);
}
