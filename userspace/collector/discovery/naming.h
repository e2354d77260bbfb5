/* SPDX-License-Identifier: Apache-2.0 */
/* Names of proxies: the label proxy_name. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/config/config.h"

#define NAMING_REPAIRED 1 /* invalid UTF-8 was replaced by U+FFFD */
#define NAMING_CUT 2	  /* the name was truncated */

/*
 * Makes a valid name from untrusted bytes, by the rules of --proxy.name: UTF-8, shorter than
 * CONFIG_NAME_SIZE bytes, truncated between characters. Returns NAMING_… bits.
 */
int naming_clean(char name[CONFIG_NAME_SIZE], const char *text, size_t size);

/* The facts for the name of a proxy. Strings are borrowed; NULL or empty: not known. */
struct naming_facts {
	const char *proxy_name; /* PROXY_NAME in its environment */
	const char *pod;
	const char *container;
	const char *container_id;
	uint64_t netns_cookie; /* 0: the kernel has no cookies (before 5.14) */
	uint32_t netns_inode;
};

/*
 * Chooses the preferred name. It is the first known one of PROXY_NAME, the pod name, the container
 * name, and the first 12 digits of the container id. Otherwise it is the netns cookie as 16 hex
 * digits, or without a cookie netns-INODE. Never empty.
 */
void naming_choose(char name[CONFIG_NAME_SIZE], const struct naming_facts *facts);

/* Returns the name of the node: NODE_NAME in our environment, or the hostname, or "unknown". */
void naming_node(char name[CONFIG_NAME_SIZE]);

struct naming_entry {
	const char *name; /* valid UTF-8, not empty; borrowed */
	const char *uid;  /* UID of its pod as in cgroup_owner; NULL or empty: none */
	/*
	 * The age. The kernel assigns cookies in ascending order, so the namespace with the smaller
	 * cookie is older. Without cookies (0), `since` is the age, in any unit. It must not change
	 * while the namespace exists, like the start time of its oldest process. If all are 0, the
	 * smaller inode counts as older.
	 */
	uint64_t cookie;
	uint64_t since;
	uint32_t inode;
	char label[CONFIG_NAME_SIZE]; /* result */

	uint64_t hash; /* internal to naming_assign */
	struct naming_entry *bucket, *next;
};

/*
 * Gives each entry a unique label: its name, unless an older entry has that name. Otherwise NAME@
 * and 8 hex digits: of the pod UID, of the cookie (of the inode if there is none), or derived from
 * these. The oldest entry chooses first, so a later proxy cannot change the label of an older one.
 * Labels depend only on facts that survive a restart. Sorts the pointers, oldest first. Allocates
 * nothing; O(n log n).
 */
void naming_assign(struct naming_entry **entries, size_t count);
