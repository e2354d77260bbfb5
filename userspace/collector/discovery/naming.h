/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy is called: the label proxy_name. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/config/config.h"

#define NAMING_REPAIRED 1 /* bytes that are not UTF-8 became U+FFFD */
#define NAMING_CUT 2	  /* it was longer than fits */

/*
 * Makes a name of bytes that somebody else chose, by the rules of --proxy.name: valid UTF-8 of less
 * than CONFIG_NAME_SIZE bytes, cut between characters. Returns NAMING_… bits.
 */
int naming_clean(char name[CONFIG_NAME_SIZE], const char *text, size_t size);

/* What is known of a proxy. Strings are borrowed; NULL or empty: not known. */
struct naming_facts {
	const char *proxy_name; /* PROXY_NAME of its environment */
	const char *pod;
	const char *container;
	const char *container_id;
	uint64_t netns_cookie; /* 0: the kernel has none (before 5.14) */
	uint32_t netns_inode;
};

/*
 * The name that is meant: PROXY_NAME, else the pod's, else the container's, else the first 12
 * digits of the container's id, else the cookie of the network namespace as 16 hex digits, else
 * netns-INODE. Never empty.
 */
void naming_choose(char name[CONFIG_NAME_SIZE], const struct naming_facts *facts);

/* The node's own name: NODE_NAME of our environment, else the hostname, else "unknown". */
void naming_node(char name[CONFIG_NAME_SIZE]);

struct naming_entry {
	const char *name; /* valid UTF-8, not empty; borrowed */
	const char *uid;  /* of its pod, as cgroup_owner has it; NULL or empty: none */
	/*
	 * The kernel counts cookies up, so of two namespaces the one with the smaller cookie is
	 * older. Where there are none (0), `since` is the age: a time of start that does not change
	 * while the namespace lives, such as that of its oldest process, in any unit. 0 in all: the
	 * smaller inode is taken for the older.
	 */
	uint64_t cookie;
	uint64_t since;
	uint32_t inode;
	char label[CONFIG_NAME_SIZE]; /* the answer */

	uint64_t hash; /* naming_assign's own */
	struct naming_entry *bucket, *next;
};

/*
 * Gives each entry a label that no other has: its name, or, when an older one is called so, NAME@
 * and 8 hex digits of its pod's uid, else of its cookie (of its inode without one), else others
 * that follow from these. The oldest chooses first, so nobody's label depends on who comes after
 * it, whatever that calls itself; and all follow from facts that outlive this process. Sorts the
 * pointers, oldest first. Takes no memory; O(n log n).
 */
void naming_assign(struct naming_entry **entries, size_t count);
