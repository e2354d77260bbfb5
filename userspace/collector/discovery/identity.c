// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "collector/discovery/environment.h"
#include "collector/discovery/naming.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/process/shared.h"

#define PROXY_NAME "PROXY_NAME"

void identities_open(struct identities *identities)
{
	*identities = (struct identities){ .pods = PODS_FOLDERS(PODS_ROOT),
					   .containers = PODS_LINKS(CONTAINERS_ROOT) };
	naming_node(identities->node);
}

void identities_close(struct identities *identities)
{
	pods_free(&identities->pods);
	pods_free(&identities->containers);
}

/* Reads everything through one descriptor, so that it concerns one process. */
static void process_read(struct identity *identity, pid_t pid)
{
	_cleanup_close_ int process = -1;
	char path[24];
	int r;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	process = pid ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (process < 0)
		return;
	cgroup_read(process, &identity->owner);
	r = environment_read(process, PROXY_NAME, identity->proxy_name);
	if (r < 0)
		identity->proxy_name[0] = 0;
	if (r < 0 && r != -ENODATA)
		log_debug("cannot read environment of process", field_signed("pid", pid),
			  field_error(r));
}

/* Reads the names of the pod; false if they may still appear. */
static bool pod_read(struct identity *identity, struct identities *identities)
{
	const struct cgroup_owner *owner = &identity->owner;
	uint64_t now = clock_now_ns();
	struct pod_record container;
	int r;

	if (!owner->pod_uid[0] || owner->is_nested)
		return true;
	r = pods_find(&identities->pods, owner->pod_uid, now, &identity->pod);
	if (r)
		memset(&identity->pod, 0, sizeof(identity->pod));
	else if (owner->container_id[0] &&
		 !pods_find(&identities->containers, owner->container_id, now, &container))
		snprintf(identity->pod.container, sizeof(identity->pod.container), "%s",
			 container.container);
	return r != -EAGAIN;
}

/* Returns whether `former` is `name`, possibly truncated. */
static bool is_continuation(const char *name, const char *former)
{
	size_t length = strlen(former);

	return length + 4 >= ABI_NAME_SIZE && !strncmp(name, former, length);
}

bool identity_read(struct identity *identity, struct identities *identities, pid_t pid,
		   uint32_t netns_inode, uint64_t netns_cookie)
{
	struct naming_facts facts = { .netns_cookie = netns_cookie, .netns_inode = netns_inode };
	char name[CONFIG_NAME_SIZE];
	bool another;

	if (!identity->owner.container_id[0] && !identity->proxy_name[0])
		process_read(identity, pid);
	identity->settled = pod_read(identity, identities);
	facts.proxy_name = identity->proxy_name;
	facts.pod = identity->pod.pod;
	facts.container = identity->pod.container;
	facts.container_id = identity->owner.container_id;
	naming_choose(name, &facts);
	if (identity->former[0] && !is_continuation(name, identity->former))
		snprintf(name, sizeof(name), "%s", identity->former);
	another = strcmp(name, identity->name) != 0;
	snprintf(identity->name, sizeof(identity->name), "%s", name);
	return another;
}
