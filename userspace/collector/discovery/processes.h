/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SOCKS server processes, as far as /proc shows them. Seeing none is normal (a PID namespace of a
 * pod, hidepid, no /proc) and not an error. Skips processes that end while being read.
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
	uint32_t netns_inode; /* 0: not readable for us */
	char comm[16];
	bool is_hidden; /* the process exists, but reading its namespace needs CAP_SYS_PTRACE */
	bool is_child;	/* its parent is also a SOCKS server process */
};

/* Returns 0 to continue, any other value to stop. `proc` is a descriptor of the folder. */
typedef int pid_callback(int proc, pid_t pid, void *context);

/*
 * Calls the callback for each process in `root` (PROCESSES_ROOT). Returns 0 or the value that
 * stopped it.
 */
int pids_each(const char *root, pid_callback *callback, void *context);

/*
 * Returns the inode of the network namespace of a process; 0 and errno if it is gone or not
 * readable.
 */
uint32_t process_netns(int proc, pid_t pid);

/* Returns 0 to continue, any other value to stop. */
typedef int server_process_callback(const struct server_process *process, void *context);

/*
 * Calls the callback for each process whose name is in config->processes; with a netns_inode other
 * than 0, only for those of that namespace. `root` is PROCESSES_ROOT, except in tests. Returns 0 or
 * the value that stopped it.
 */
int processes_each(const char *root, const struct config *config, uint32_t netns_inode,
		   server_process_callback *callback, void *context);

/*
 * Finds the ports on which such processes (without is_child) listen in the current network
 * namespace, whose inode is `netns_inode`: ascending, without duplicates, at most `max`. *rest (can
 * be NULL) is the number of ports that did not fit. Returns the number of ports, 0 if there are
 * none or none are visible, or -errno if listeners cannot be read.
 */
int processes_listener_ports(const struct config *config, uint32_t netns_inode, uint16_t *ports,
			     size_t max, size_t *rest);

/*
 * Does the same for known processes of this namespace, from one scan of /proc for many namespaces.
 */
int processes_ports_of(const struct server_process *processes, size_t count, uint16_t *ports,
		       size_t max, size_t *rest);

/* Returns whether /proc shows all processes of the machine: we are in the first PID namespace. */
bool processes_all_seen(void);

/* Returns whether a process with this comm (with or without newline) is a SOCKS server. */
bool process_is_server(const char *comm, const struct config *config);

/* Parses "socket:[N]". Returns N; 0 for any other text. */
uint32_t process_socket_inode(const char *target);
