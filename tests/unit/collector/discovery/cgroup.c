// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/discovery/cgroup.h"

#define FIXTURES "tests/fixtures/cgroup"
#define POD "0f8c2a3e-5b1d-4c7f-9a60-d1e2f3a4b5c6"
#define STATIC "8a1f3c5d7e9b0a2c4e6f8091a3b5c7d9"
#define OTHER "deadbeef-0000-4000-8000-000000000001"
#define ID "3f1d0c5b7a9e8d6c4b2a1f0e9d8c7b6a5f4e3d2c1b0a99887766554433221100"
#define OTHER_ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct expected {
	const char *file;
	const char *pod;
	const char *container;
	bool is_nested;
};

static const struct expected EXPECTED[] = {
	{ "v1-cgroupfs-burstable", POD, ID },
	{ "v1-cgroupfs-guaranteed", POD, ID },
	{ "v1-systemd-docker", POD, ID },
	{ "v1-containerd-other-driver", POD, ID },
	{ "v1-docker", "", ID },
	{ "v1-host", "", "" },
	{ "hybrid-crio", POD, ID },
	{ "hybrid-unified-elsewhere", POD, ID },
	{ "v2-systemd-containerd", POD, ID },
	{ "v2-systemd-guaranteed", POD, ID },
	{ "v2-systemd-crio-crun", POD, ID },
	{ "v2-cgroupfs-crio", POD, ID },
	{ "v2-cgroupfs-k3s", POD, ID },
	{ "v2-static-systemd", STATIC, ID },
	{ "v2-static-cgroupfs", STATIC, ID },
	{ "v2-cgroup-root", POD, ID },
	{ "v2-inside-kind", POD, ID },
	{ "v2-kind-from-its-host", POD, ID, true },
	{ "v1-k3d-from-its-host", POD, ID, true },
	{ "v2-docker-systemd", "", ID },
	{ "v2-docker-cgroupfs", "", ID },
	{ "v2-podman", "", ID },
	{ "v2-service", "", "" },
	{ "v2-root", "", "" },
	{ "v2-private-same-class", POD, ID },
	{ "v2-private-other-class", POD, ID },
	{ "v2-private-systemd", POD, ID },
	{ "v2-private-same-pod", "", ID },
	{ "v2-private-same-pod-systemd", "", ID },
	{ "deleted", POD, ID },
	{ "deleted-pod", POD, "" },
	{ "upper-case", POD, ID },
	{ "hostile-below-its-own-systemd", POD, ID },
	{ "hostile-below-its-own-cgroupfs", POD, ID },
	{ "hostile-below-its-own-no-kubepods", POD, ID },
	{ "hostile-docker-says-pod", OTHER, ID, true },
	{ "hostile-docker-says-pod-and-container", OTHER, OTHER_ID, true },
	{ "hostile-lines-disagree", "", "" },
	{ "hostile-lines-disagree-on-container", "", "" },
	{ "some-lines-of-the-pod-only", POD, ID },
	{ "empty", "", "" },
	{ "odd", "", "" },
};
#define EXPECTED_COUNT (sizeof(EXPECTED) / sizeof(EXPECTED[0]))

static char *load(const char *name, size_t *size)
{
	char path[256];
	char *text = malloc(1 << 17);
	FILE *file;

	snprintf(path, sizeof(path), FIXTURES "/%s", name);
	file = fopen(path, "r");
	cr_assert(file, "%s", path);
	*size = fread(text, 1, 1 << 17, file);
	fclose(file);
	return text;
}

Test(cgroup, layouts)
{
	for (size_t i = 0; i < EXPECTED_COUNT; i++) {
		struct cgroup_owner owner;
		size_t size;
		char *text = load(EXPECTED[i].file, &size);

		cgroup_parse(text, size, &owner);
		cr_expect_str_eq(owner.pod_uid, EXPECTED[i].pod, "%s: %s", EXPECTED[i].file,
				 owner.pod_uid);
		cr_expect_str_eq(owner.container_id, EXPECTED[i].container, "%s: %s",
				 EXPECTED[i].file, owner.container_id);
		cr_expect_eq(owner.is_nested, EXPECTED[i].is_nested, "%s", EXPECTED[i].file);
		free(text);
	}
}

/* Each fixture must be used by a line above. */
Test(cgroup, every_fixture_is_expected)
{
	DIR *folder = opendir(FIXTURES);
	size_t count = 0;

	cr_assert(folder);
	for (const struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	cr_assert_eq(count, EXPECTED_COUNT);
}

/* With any truncation of the text, no byte after it is read, and results are parts of the text. */
Test(cgroup, cut_anywhere)
{
	for (size_t i = 0; i < EXPECTED_COUNT; i++) {
		size_t size;
		char *text = load(EXPECTED[i].file, &size);

		for (size_t cut = 0; cut <= size && cut < 600; cut++) {
			struct cgroup_owner owner;
			char *copy = malloc(cut ? cut : 1);

			memcpy(copy, text, cut);
			cgroup_parse(copy, cut, &owner);
			cr_assert(!owner.pod_uid[0] || !strcmp(owner.pod_uid, POD) ||
				  !strcmp(owner.pod_uid, STATIC) || !strcmp(owner.pod_uid, OTHER));
			free(copy);
		}
		free(text);
	}
}

static void write_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "w");
	static const char line[] = "0::/kubepods/pod" POD "/" ID "\n";

	cr_assert(file);
	for (size_t written = 0; written < size; written += sizeof(line) - 1)
		fputs(line, file);
	fclose(file);
}

Test(cgroup_read, files)
{
	char root[] = "/tmp/wgsocks-test-cgroup-XXXXXX", path[64];
	struct cgroup_owner owner;
	int process;

	cr_assert(mkdtemp(root));
	process = open(root, O_PATH | O_DIRECTORY);
	snprintf(path, sizeof(path), "%s/cgroup", root);

	memset(&owner, 'x', sizeof(owner));
	cr_expect_eq(cgroup_read(process, &owner), -ENOENT);
	cr_expect_str_eq(owner.pod_uid, "");
	write_file(path, 1);
	cr_expect_eq(cgroup_read(process, &owner), 0);
	cr_expect_str_eq(owner.pod_uid, POD);
	cr_expect_str_eq(owner.container_id, ID);
	write_file(path, 60000);
	cr_expect_eq(cgroup_read(process, &owner), 0);
	cr_expect_str_eq(owner.pod_uid, POD);
	write_file(path, 70000);
	cr_expect_eq(cgroup_read(process, &owner), -E2BIG);
	cr_expect_str_eq(owner.pod_uid, "");
	unlink(path);
	mkdir(path, 0700);
	cr_expect_eq(cgroup_read(process, &owner), -EISDIR);
	close(process);
	rmdir(path);
	rmdir(root);
}

/* A real process, while it exists and after its end. */
Test(cgroup_read, a_process_that_ends)
{
	char path[32];
	struct cgroup_owner owner;
	pid_t child = fork();
	int process, r;

	if (!child) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d", child);
	process = open(path, O_PATH | O_DIRECTORY);
	cr_assert_geq(process, 0);
	cr_expect_eq(cgroup_read(process, &owner), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	r = cgroup_read(process, &owner);
	cr_expect(r == -ENOENT || r == -ESRCH, "%d", r);
	close(process);
}

Test(pod_uid_read, spellings)
{
	char uid[POD_UID_SIZE];

	cr_expect(pod_uid_read("0F8C2A3E_5b1d_4c7f_9a60_d1e2f3a4b5c6", 36, uid));
	cr_expect_str_eq(uid, POD);
	cr_expect(pod_uid_read(STATIC "abcd", 32, uid));
	cr_expect_str_eq(uid, STATIC);
	cr_expect(!pod_uid_read("0f8c2a3e-5b1d_4c7f-9a60-d1e2f3a4b5c6", 36, uid),
		  "one kind of separator");
	cr_expect(!pod_uid_read("0f8c2a3e05b1d04c7f09a600d1e2f3a4b5c6", 36, uid));
	cr_expect(!pod_uid_read("0f8c2a3e-5b1d-4c7f-9a60-d1e2f3a4b5cg", 36, uid));
	cr_expect(!pod_uid_read("0f8c2a3e-5b1d-4c7f-9a60-d1e2f3a4b5c-", 36, uid));
	cr_expect(!pod_uid_read("", 0, uid));
}
