// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/pin_folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "collector/attach/attach.h"
#include "collector/kernel/pins.h"
#include "lib/cleanup.h"

#define INSTANCES_MAX 65536 /* limit for one layout; further ones are left for the next start */

bool pin_folder_cookie(const char *instance, uint64_t *cookie)
{
	char *end;

	if (strlen(instance) != 16 || strspn(instance, "0123456789abcdef") != 16)
		return false;
	*cookie = strtoull(instance, &end, 16);
	return true;
}

static int folder_remove(const struct pin_folder *folder)
{
	int links = attach_unpin_all(folder->path), pins = pins_unlink_all(folder->path);

	if (rmdir(folder->path) && pins >= 0)
		pins = -errno;
	return links < 0 ? links : pins < 0 ? pins : links + pins;
}

struct removal {
	const struct config *config;
	pin_folder_filter *is_stale;
	void *context;
	int removed, error;
};

static void note(struct removal *removal, int result)
{
	if (result >= 0)
		removal->removed += result;
	else
		removal->error = removal->error ?: result;
}

static void instance_check(struct removal *removal, const char *layout, const char *instance)
{
	struct pin_folder folder = { .instance = instance, .lock = -1 };

	if (snprintf(folder.path, sizeof(folder.path), "%s/%s/%s", removal->config->pin_path,
		     layout, instance) >= (int)sizeof(folder.path))
		return;
	folder.lock = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder.lock < 0)
		return;
	if (!flock(folder.lock, LOCK_EX | LOCK_NB) && removal->is_stale(&folder, removal->context))
		note(removal, folder_remove(&folder));
	close(folder.lock);
}

static void layout_check(struct removal *removal, const char *layout)
{
	_cleanup_closedir_ DIR *d = NULL;
	char path[CONFIG_PATH_SIZE];
	const struct dirent *e;

	if (snprintf(path, sizeof(path), "%s/%s", removal->config->pin_path, layout) >=
	    (int)sizeof(path))
		return;
	d = opendir(path);
	for (int i = 0; d && i < INSTANCES_MAX && (e = readdir(d)); i++) {
		if (e->d_name[0] != '.')
			instance_check(removal, layout, e->d_name);
	}
	rmdir(path); /* fails unless it is empty */
}

int pin_folders_remove(const struct config *config, pin_folder_filter *is_stale, void *context)
{
	struct removal removal = { .config = config, .is_stale = is_stale, .context = context };
	_cleanup_closedir_ DIR *d = config->pin_path[0] ? opendir(config->pin_path) : NULL;
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == 'v')
			layout_check(&removal, e->d_name);
	}
	if (d)
		rmdir(config->pin_path); /* as above */
	return removal.error ?: removal.removed;
}
