/* SPDX-License-Identifier: Apache-2.0 */
/* What a child gets from the supervisor, and what every child does first. */
#pragma once

#include <stddef.h>

#include "lib/config/config.h"
#include "lib/process/shared.h"

struct child {
	const struct config *config;
	struct shared *shared;
	enum process process;
	int parent;			   /* pid of the supervisor, taken before the fork */
	int sockets[CONFIG_ADDRESSES_MAX]; /* listening, non-blocking: health has one, web several
					    */
	size_t socket_count;
	int channel;  /* web, collector: their end of the SEQPACKET pair; else -1 */
	int snapshot; /* collector: the snapshot memfd read-write (sealed against shrinking); web:
			 the same read-only; else -1 */
	int bundle;   /* webconfig: the memfd of --web.config.file read-write; web: the same
			 read-only; else -1 */
};

/* The main of a child: runs until SIGTERM or until its parent is gone; returns an exit status. */
typedef int child_main_function(const struct child *child);

/*
 * After a child dropped its rights (that clears it): asks for SIGKILL at the supervisor's death,
 * and exits if that came before.
 */
void child_bind_to_parent(const struct child *child);

/*
 * Opens what heartbeat_write reads (/proc/self/…): before rights are dropped (the files of a
 * process that changed its user are root's) and before seccomp. Returns 0 or -errno: the heartbeat
 * works all the same, what cannot be read stays 0.
 */
int heartbeat_open(void);

/* Closes it again: the supervisor's, in a child after the fork. */
void heartbeat_close(void);

/* What heartbeat_write calls, for rights_seccomp (with <seccomp.h>). */
#define HEARTBEAT_SYSCALLS                                                           \
	SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(getdents64), SCMP_SYS(madvise), \
		SCMP_SYS(brk), SCMP_SYS(munmap)

/* Writes the heartbeat, and each 5 s PSS, virtual size and descriptors, to the process's cell. */
void heartbeat_write(struct shared *shared, enum process process, uint64_t now_ns);
