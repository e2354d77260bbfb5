// SPDX-License-Identifier: Apache-2.0
#include "look.h"

#include <errno.h>
#include <string.h>

#include "census.h"
#include "member.h"
#include "wgsocks/log.h"

static struct member *by_inode(const struct fleet *fleet, uint32_t inode)
{
	for (uint32_t i = 0; i < fleet->count; i++) {
		if (!fleet->members[i]->gone && fleet->members[i]->watch.entry.netns_inode == inode)
			return fleet->members[i];
	}
	return NULL;
}

static void note_unwatched(struct fleet *fleet, uint32_t unwatched)
{
	if (unwatched > fleet->unwatched)
		log_warn("%u proxies are not watched: --proxies.max is %u", unwatched, fleet->config->proxies_max);
	fleet->unwatched = unwatched;
}

void look_around(struct fleet *fleet)
{
	struct census_group group;
	struct census census;
	uint32_t unwatched = 0;
	size_t at = 0;
	int r = census_take(&census, fleet->config);

	fleet->looked_ns = clock_now_ns();
	if (r)
		log_warn("cannot look at all processes: %s", strerror(-r));
	while ((group = census_next(&census, &at)).count) {
		struct member *m = by_inode(fleet, group.processes->netns_inode);

		if (m) {
			member_seen(m, &group);
			continue;
		}
		r = member_add(fleet, &group);
		unwatched += r == -ENOSPC;
		if (r < 0 && r != -ENOSPC)
			log_debug("cannot look at network namespace %u: %s", group.processes->netns_inode, strerror(-r));
	}
	note_unwatched(fleet, unwatched);
	census_free(&census);
}

void look_at_all(struct fleet *fleet)
{
	for (uint32_t i = 0; i < fleet->count; i++) {
		struct member *m = fleet->members[i];

		m->look_due = true;
		if (m->nsid != NSID_NONE && namespaces_alive(&fleet->namespaces, m->nsid) == 0)
			m->gone = true;
	}
}
