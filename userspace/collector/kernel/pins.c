// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "collector/discovery/netns.h"
#include "collector/discovery/processes.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include <wgsocks/abi.h>

#define BPFFS_PATH "/sys/fs/bpf"

int pins_init(struct pins *pins, const struct config *config)
{
	uint64_t cookie = netns_cookie();
	uint32_t inode;
	int r;

	*pins = (struct pins){ .lock = -1 };
	if (config->mode == CONFIG_MODE_NODE) {
		snprintf(pins->instance, sizeof(pins->instance), "node");
		return 0;
	}
	if (cookie) {
		snprintf(pins->instance, sizeof(pins->instance), "%016" PRIx64, cookie);
		return 0;
	}
	/*
	 * Before 5.14: an inode can be reused; the interfaces of its pins then show that they are
	 * stale
	 */
	r = netns_inode(&inode);
	snprintf(pins->instance, sizeof(pins->instance), "inode-%" PRIu32, inode);
	return r;
}

/* Returns whether the nearest existing folder at or above the path is in a bpffs. */
static bool path_in_bpffs(const char *path)
{
	char folder[CONFIG_PATH_SIZE];
	struct statfs fs;
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	while (statfs(folder, &fs)) {
		slash = strrchr(folder, '/');
		if (errno != ENOENT || !slash || slash == folder)
			return false;
		*slash = 0;
	}
	return fs.f_type == BPF_FS_MAGIC;
}

/* Returns whether we see all processes, and the mounts of PID 1 are ours. */
static bool on_host(void)
{
	struct stat own, init;

	return processes_all_seen() && !stat("/proc/self/ns/mnt", &own) &&
	       !stat("/proc/1/ns/mnt", &init) && own.st_ino == init.st_ino &&
	       own.st_dev == init.st_dev;
}

void pins_mount(const struct config *config)
{
	if (!config->pin_path[0] || strncmp(config->pin_path, BPFFS_PATH "/", sizeof(BPFFS_PATH)) ||
	    path_in_bpffs(config->pin_path) || !on_host())
		return;
	if (mount("bpf", BPFFS_PATH, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		log_debug("cannot mount bpffs", field_text("path", BPFFS_PATH), field_error(errno));
	else
		log_info("mounted bpffs", field_text("path", BPFFS_PATH));
}

static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0700) && errno != EEXIST) {
			int r = -errno;

			*slash = '/';
			return r;
		}
		*slash = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

int pins_open(struct pins *pins, const struct config *config)
{
	char folder[CONFIG_PATH_SIZE], size[16] = "";
	_cleanup_close_ int fd = -1;
	int r;

	if (!config->pin_path[0])
		return -ENOTSUP;
	if (!path_in_bpffs(config->pin_path))
		return -ENOTSUP;
	if (config->proxies_max > 1)
		snprintf(size, sizeof(size), "-%" PRIu32, config->proxies_max);
	r = snprintf(folder, sizeof(folder), "%s/v%d%s/%s", config->pin_path, ABI_LAYOUT, size,
		     pins->instance);
	if (r >= (int)sizeof(folder) - 32) /* room for the name of the longest pin */
		return -ENAMETOOLONG;
	r = make_folders(folder);
	if (r)
		return r;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	pins->lock = TAKE_FD(fd);
	memcpy(pins->folder, folder, sizeof(folder));
	return 0;
}

int pins_unlink_all(const char *folder)
{
	_cleanup_closedir_ DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) && unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR))
			return -errno;
		n++;
	}
	return n;
}

int pins_clear(struct pins *pins)
{
	return pins_unlink_all(pins->folder);
}

void pins_remove(struct pins *pins)
{
	char folder[CONFIG_PATH_SIZE];
	char *slash;

	memcpy(folder, pins->folder, sizeof(folder));
	pins_close(pins);
	for (int up = 0; up < 3 && folder[0];
	     up++) { /* instance, layout, wgsocks; each only if it is empty */
		if (rmdir(folder))
			return;
		slash = strrchr(folder, '/');
		if (!slash)
			return;
		*slash = 0;
	}
}

void pins_close(struct pins *pins)
{
	close_descriptor(&pins->lock);
	pins->folder[0] = 0;
}
