// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/parts.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/discovery/netns.h"
#include "collector/discovery/processes.h"
#include "collector/kernel/pin_folders.h"
#include "collector/proxy_netns/netns_enter.h"
#include "lib/array.h"
#include "lib/log/log.h"

/* The cookies of all network namespaces; read for the first folder. */
struct cookies {
	uint64_t *cookies;
	size_t count, max;
	int error;
	bool read;
};

static int cookie_add(int fd, uint32_t inode, void *context)
{
	struct cookies *c = context;
	uint64_t cookie, *more;
	int r = netns_enter(fd);

	if (r)
		return r;
	cookie = netns_cookie();
	netns_home_return();
	more = array_room(c->cookies, c->count, &c->max, sizeof(*more));
	if (!more)
		return -ENOMEM;
	c->cookies = more;
	c->cookies[c->count++] = cookie;
	return 0;
}

static bool is_stale(const struct pin_folder *folder, void *context)
{
	struct cookies *c = context;
	uint64_t cookie;

	if (!pin_folder_cookie(folder->instance, &cookie))
		return false;
	if (!c->read) {
		c->error = netns_each(cookie_add, c);
		c->read = true;
	}
	for (size_t i = 0; i < c->count; i++) {
		if (c->cookies[i] == cookie)
			return false;
	}
	if (!c->error)
		log_info("removed pins of a sidecar whose network namespace is gone",
			 field_text("path", folder->path));
	return !c->error; /* an unreadable namespace may be the owner */
}

void stale_pins_remove(const struct config *config)
{
	struct cookies cookies = {};
	int r;

	if (!processes_all_seen())
		return;
	r = pin_folders_remove(config, is_stale, &cookies);
	if (r < 0)
		log_warn("cannot remove pins of sidecars that are gone", field_error(r));
	free(cookies.cookies);
}
