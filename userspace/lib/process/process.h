/* SPDX-License-Identifier: Apache-2.0 */
/* The data that a child receives from the supervisor, and the first steps of each child. */
#pragma once

#include <stddef.h>

#include "lib/config/config.h"
#include "lib/process/shared.h"

struct child {
	const struct config *config;
	struct shared *shared;
	enum process process;
	int parent; /* pid of the supervisor, read before the fork */
	/* listening, non-blocking; health has one, web several */
	int sockets[CONFIG_ADDRESSES_MAX];
	size_t socket_count;
	int channel; /* web, collector: their end of the SEQPACKET pair; otherwise -1 */
	/*
	 * collector: memfd of the snapshot, read-write and sealed against shrinking; web: the same,
	 * read-only; otherwise -1
	 */
	int snapshot;
	/*
	 * webconfig: memfd of --web.config.file, read-write; web: the same, read-only; otherwise -1
	 */
	int bundle;
};

/*
 * The main function of a child: runs until SIGTERM or until its parent is gone. Returns an exit
 * status.
 */
typedef int child_main_function(const struct child *child);

/*
 * Requests SIGKILL at the death of the supervisor, and exits if it is already dead. Call after
 * dropping rights, which clears the request.
 */
void child_bind_to_parent(const struct child *child);

/*
 * Opens the files of /proc/self that heartbeat_write reads. Call before seccomp and before dropping
 * rights: after a change of the user, these files belong to root. Returns 0 or -errno; the
 * heartbeat works in any case, and values that cannot be read stay 0.
 */
int heartbeat_open(void);

/* Closes these files: in a child after the fork, those of the supervisor. */
void heartbeat_close(void);

/* The system calls of heartbeat_write, for rights_seccomp (with <seccomp.h>). */
#define HEARTBEAT_SYSCALLS                                                           \
	SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(getdents64), SCMP_SYS(madvise), \
		SCMP_SYS(brk), SCMP_SYS(munmap)

/*
 * Writes the heartbeat to the cell of the process; every 5 s also PSS, virtual size and
 * descriptors.
 */
void heartbeat_write(struct shared *shared, enum process process, uint64_t now_ns);
