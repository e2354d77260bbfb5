/* SPDX-License-Identifier: Apache-2.0 */
/* One proxy of a node: how it begins, is looked after, and ends. */
#pragma once

#include "collector/proxies/proxies.h"
#include "collector/proxies/server_scan.h"

/*
 * Takes the namespace of these processes in, if one of them listens there. It is started later, by proxies_step.
 * Returns 1; 0 when nobody listens; -ENOSPC when --proxies.max are watched already; or -errno.
 */
int member_add(struct proxies *proxies, const struct census_group *group);

/* What is known of a member's servers, from another look. */
void member_seen(struct member *member, const struct census_group *group);

/* The proxy that an earlier process left in a slot: it is a member again, or the slot is cleared. */
void member_adopt(struct proxies *proxies, uint32_t slot);

/* Gives it its slot and attaches. */
void member_start(struct proxies *proxies, struct member *member);

/* Reads what there is to know of its name and pod; members_name gives the names. Returns whether a name is another. */
bool member_identify(struct proxies *proxies, struct member *member);

/* Gives each member a name that no other has: after one has come or gone. */
void members_name(struct proxies *proxies);

/* Looks whether its namespace is there: it is `gone` else. */
void member_check(struct proxies *proxies, struct member *member);

/*
 * Looks whether its namespace is there, for its listeners, its interfaces if that is due, and attaches again where that
 * failed.
 */
void member_repair(struct proxies *proxies, struct member *member);

/* Its namespace is gone: it is no proxy any more, and its place in `members` the caller's. member_end does the rest. */
void member_retire(struct proxies *proxies, struct member *member);

/* Its slot is cleared. Frees it. */
void member_end(struct proxies *proxies, struct member *member);

/* We go, it stays. With `remove`, everything of ours is detached. Frees it. */
void member_close(struct member *member, bool remove);
