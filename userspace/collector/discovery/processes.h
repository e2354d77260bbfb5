/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SOCKS server processes, as far as /proc shows them to us. Not seeing any is normal (a pod has a
 * PID namespace of its own, hidepid, no /proc at all) and no error; processes that vanish while
 * being read are skipped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/config/config.h"

#define PROCESSES_ROOT "/proc"

struct server_process {
	pid_t pid;
	uint32_t netns_inode; /* 0: not ours to see */
	char comm[16];
	bool is_hidden; /* it is there, its namespace is not ours to see: it takes CAP_SYS_PTRACE */
	bool is_child;	/* of another process of a SOCKS server: its parent has such a name too */
};

/* Returns 0 to go on, anything else to stop. `proc` is a descriptor of the folder. */
typedef int pid_callback(int proc, pid_t pid, void *context);

/* Hands each process in `root` (PROCESSES_ROOT) to the callback. Returns 0 or what stopped it. */
int pids_each(const char *root, pid_callback *callback, void *context);

/* The inode of a process's network namespace; 0 when it is gone or not ours to see (errno). */
uint32_t process_netns(int proc, pid_t pid);

/* Returns 0 to go on, anything else to stop. */
typedef int server_process_callback(const struct server_process *process, void *context);

/*
 * Hands each process whose name is one of config->processes to the callback; with a netns_inode
 * other than 0, only those of that namespace. `root` is PROCESSES_ROOT (tests have another).
 * Returns 0 or what stopped it.
 */
int processes_each(const char *root, const struct config *config, uint32_t netns_inode,
		   server_process_callback *callback, void *context);

/*
 * The ports on which such processes, their children (is_child) left out, listen in the current
 * network namespace, whose inode is `netns_inode`: ascending, each once, at most `max`. *rest (may
 * be NULL) is the number of further ports that did not fit. Returns the number of ports, 0 when
 * there are none or none can be seen, or -errno when listeners cannot be read.
 */
int processes_listener_ports(const struct config *config, uint32_t netns_inode, uint16_t *ports,
			     size_t max, size_t *rest);

/*
 * The same where the processes are known: those of this namespace, from one scan of /proc for many.
 */
int processes_ports_of(const struct server_process *processes, size_t count, uint16_t *ports,
		       size_t max, size_t *rest);

/* Whether /proc shows all processes of the machine: we are in the first PID namespace. */
bool processes_all_seen(void);

/* Whether a process with this comm (with or without its newline) is a SOCKS server. */
bool process_is_server(const char *comm, const struct config *config);

/* Reads "socket:[N]". Returns N, 0 for anything else. */
uint32_t process_socket_inode(const char *target);
