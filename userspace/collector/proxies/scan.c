// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/scan.h"

#include <errno.h>

#include "collector/proxies/managed_proxy.h"
#include "collector/proxies/server_scan.h"
#include "lib/log/log.h"
#include <wgsocks/time.h>

static struct managed_proxy *by_inode(const struct proxies *proxies, uint32_t inode)
{
	for (uint32_t i = 0; i < proxies->count; i++) {
		if (!proxies->managed[i]->gone && proxies->managed[i]->netns.map_entry.netns_inode == inode)
			return proxies->managed[i];
	}
	return NULL;
}

/* How many are not watched, and why. */
struct unwatched {
	uint32_t beyond, hidden, refused;
};

static void note_unwatched(struct proxies *proxies, const struct unwatched *now)
{
	static struct unwatched former;

	if (now->beyond > former.beyond)
		log_warn("proxies are not watched, raise --proxies.max", field_unsigned("count", now->beyond),
			 field_unsigned("limit", proxies->config->proxies_max));
	if (now->hidden > former.hidden)
		log_warn("cannot see network namespaces of SOCKS servers", field_unsigned("count", now->hidden),
			 field_text("capability", "SYS_PTRACE"));
	if (now->refused > former.refused)
		log_warn("cannot enter network namespaces of proxies", field_unsigned("count", now->refused),
			 field_text("capability", "SYS_ADMIN"));
	former = *now;
	proxies->unwatched = now->beyond + now->hidden + now->refused;
}

#define PAUSE_FACTOR 9		       /* of the time that a scan takes: a tenth of a CPU */
#define PAUSE_MAX_NS (150 * NS_PER_MS) /* but a new proxy does not wait longer */

void proxies_scan(struct proxies *proxies)
{
	uint64_t begun = clock_now_ns(), pause;
	struct server_group group;
	struct server_scan scan;
	struct unwatched unwatched = {};
	size_t at = 0;
	int r = server_scan_run(&scan, proxies->config);

	if (r)
		log_warn("cannot scan all processes", field_error(r));
	/*
	 * The kernel tells of a namespace's end before it gives its inode away: then none of these is mistaken for a
	 * former one.
	 */
	proxies_ends(proxies);
	while ((group = server_scan_next(&scan, &at)).count) {
		struct managed_proxy *p = by_inode(proxies, group.processes->netns_inode);

		if (p) {
			managed_proxy_seen(p, &group);
			continue;
		}
		r = managed_proxy_add(proxies, &group);
		unwatched.beyond += r == -ENOSPC;
		unwatched.refused += r == -EPERM || r == -EACCES;
		if (r < 0 && r != -ENOSPC)
			log_debug("cannot examine network namespace",
				  field_unsigned("netns", group.processes->netns_inode), field_error(r));
	}
	unwatched.hidden = (uint32_t)scan.hidden;
	note_unwatched(proxies, &unwatched);
	server_scan_free(&scan);
	proxies->scanned_ns = clock_now_ns();
	pause = PAUSE_FACTOR * (proxies->scanned_ns - begun);
	proxies->scan_pause_ns = proxies->scanned_ns + (pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS);
}

void proxies_rescan(struct proxies *proxies)
{
	for (uint32_t i = 0; i < proxies->count; i++) {
		struct managed_proxy *p = proxies->managed[i];

		p->scan_due = true;
		managed_proxy_check(proxies, p);
	}
}
