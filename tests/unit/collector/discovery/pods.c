// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collector/discovery/pods.h"
#include "lib/time.h"

#define POD "0f8c2a3e-5b1d-4c7f-9a60-d1e2f3a4b5c6"
#define SECOND "1f8c2a3e-5b1d-4c7f-9a60-d1e2f3a4b5c6"
#define STATIC "8a1f3c5d7e9b0a2c4e6f8091a3b5c7d9"
#define ID "3f1d0c5b7a9e8d6c4b2a1f0e9d8c7b6a5f4e3d2c1b0a99887766554433221100"
#define ID_UPPER "3F1D0C5B7A9E8D6C4B2A1F0E9D8C7B6A5F4E3D2C1B0A99887766554433221100"
#define SIXTY_THREE "a23456789-123456789-123456789-123456789-123456789-123456789-123"

static char root[] = "/tmp/wgsocks-test-pods-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void begin(void)
{
	cr_assert(mkdtemp(root));
}

static void end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	cr_assert_eq(system(command), 0);
}

static void folder(const char *name)
{
	cr_assert_eq(mkdir(path_of(name), 0700), 0, "%s", name);
}

static void link_to(const char *name)
{
	cr_assert_eq(symlink("/nowhere", path_of(name)), 0, "%s", name);
}

/* A change within the clock's tick is no change of the folder's time; these are hours apart. */
static void set_changed(time_t seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	cr_assert_eq(utimensat(AT_FDCWD, root, times, 0), 0);
}

Test(pod_folder_parse, names)
{
	static const char *const REFUSED[] = {
		"",
		"_",
		"__",
		"a_b",
		"a_b_",
		"a_b_c",
		"_b_" POD,
		"a__" POD,
		"a_b_" POD "0",
		"a_b_" POD "_",
		"a_b_c_" POD,
		"a_b_0F8C2A3E-5B1D-4C7F-9A60-D1E2F3A4B5C6",
		"a_b_0f8c2a3e_5b1d_4c7f_9a60_d1e2f3a4b5c6",
		"A_b_" POD,
		"a.b_b_" POD,
		"a_B_" POD,
		"a_b._" POD,
		"a_.b_" POD,
		"a_b..c_" POD,
		"a_b-.c_" POD,
		"a_b.-c_" POD,
		"-a_b_" POD,
		"a-_b_" POD,
		"a_-b_" POD,
		"a_b\"c_" POD,
		"a_b\nc_" POD,
		"a_b\xff_" POD,
		"a b_c_" POD,
		SIXTY_THREE "4_b_" POD,
	};
	struct pod_record record;

	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++)
		cr_expect(!pod_folder_parse(REFUSED[i], &record), "%s", REFUSED[i]);
	cr_expect(pod_folder_parse("proxies_golden-crab-0_" POD, &record));
	cr_expect_str_eq(record.namespace, "proxies");
	cr_expect_str_eq(record.pod, "golden-crab-0");
	cr_expect_str_eq(record.key, POD);
	cr_expect_str_eq(record.container, "");
	cr_expect(pod_folder_parse("kube-system_etcd-ip-10-0-0-1.eu.internal_" STATIC, &record));
	cr_expect_str_eq(record.pod, "etcd-ip-10-0-0-1.eu.internal");
	cr_expect_str_eq(record.key, STATIC);
	cr_expect(pod_folder_parse(SIXTY_THREE "_a_" POD, &record));
	cr_expect_str_eq(record.namespace, SIXTY_THREE);
}

Test(container_link_parse, names)
{
	static const char *const REFUSED[] = {
		"",
		".log",
		"a_b_c.log",
		"a_b_" ID ".log",
		"a_b_-" ID ".log",
		"a_b_c" ID ".log",
		"a_b_c-" ID,
		"a_b_c-" ID ".lo",
		"a_b_c-" ID ".log1",
		"a_b_c-" ID_UPPER ".log",
		"a_b_c-0" ID ".log",
		"a_c-" ID ".log",
		"a_b_c_d-" ID ".log",
		"a_b_c.d-" ID ".log",
		"A_b_c-" ID ".log",
		"a_b.c_d-" ID ".log",
		"-" ID ".log",
	};
	struct pod_record record;

	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++)
		cr_expect(!container_link_parse(REFUSED[i], &record), "%s", REFUSED[i]);
	cr_expect(container_link_parse("golden-crab-0.x_proxies_dante-1-" ID ".log", &record));
	cr_expect_str_eq(record.pod, "golden-crab-0.x");
	cr_expect_str_eq(record.namespace, "proxies");
	cr_expect_str_eq(record.container, "dante-1");
	cr_expect_str_eq(record.key, ID);
}

Test(pods_find, folders, .init = begin, .fini = end)
{
	struct pods pods = PODS_FOLDERS(root);
	struct pod_record record;

	folder("proxies_golden-crab-0_" POD);
	folder("kube-system_etcd-node_" STATIC);
	folder("odd");
	link_to("proxies_link_" SECOND);
	close(open(path_of("proxies_file_" SECOND), O_CREAT | O_WRONLY, 0600));

	cr_expect_eq(pods_find(&pods, POD, 1, &record), 0);
	cr_expect_str_eq(record.namespace, "proxies");
	cr_expect_str_eq(record.pod, "golden-crab-0");
	cr_expect_eq(pods_find(&pods, STATIC, 1, &record), 0);
	cr_expect_str_eq(record.pod, "etcd-node");
	cr_expect_eq(pods.scan.known, 2);
	cr_expect_eq(pods.scan.refused, 3);
	cr_expect_eq(pods.scan.twice, 0);
	cr_expect_eq(pods_find(&pods, SECOND, 1 + NS_PER_S, &record), -ENOENT,
		     "a link or a file is no pod");
	cr_expect_eq(pods_find(&pods, "", 1 + 2 * NS_PER_S, &record), -ENOENT);
	pods_free(&pods);
}

Test(pods_find, links, .init = begin, .fini = end)
{
	struct pods pods = PODS_LINKS(root);
	struct pod_record record;

	link_to("golden-crab-0_proxies_dante-" ID ".log");
	folder("golden-crab-1_proxies_dante-"
	       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.log");
	cr_expect_eq(pods_find(&pods, ID, 1, &record), 0);
	cr_expect_str_eq(record.container, "dante");
	cr_expect_eq(pods.scan.known, 1);
	cr_expect_eq(pods.scan.refused, 1);
	pods_free(&pods);
}

/* A process that can create a folder next to kubelet's must not impersonate another pod. */
Test(pods_find, two_of_one_uid, .init = begin, .fini = end)
{
	struct pods pods = PODS_FOLDERS(root);
	struct pod_record record;

	folder("proxies_golden-crab-0_" POD);
	folder("proxies_silver-fish-0_" POD);
	folder("proxies_bronze-owl-0_" POD);
	folder("proxies_iron-bee-0_" SECOND);
	cr_expect_eq(pods_find(&pods, POD, 1, &record), -ENOENT);
	cr_expect_eq(pods_find(&pods, SECOND, 1, &record), 0);
	cr_expect_str_eq(record.pod, "iron-bee-0");
	cr_expect_eq(pods.scan.twice, 3);
	cr_expect_eq(pods.scan.known, 1);
	pods_free(&pods);
}

Test(pods_find, scans_again_at_most_so_often, .init = begin, .fini = end)
{
	struct pods pods = PODS_FOLDERS(root);
	struct pod_record record;
	const uint64_t start = 50 * (uint64_t)NS_PER_S;

	set_changed(1000);
	cr_expect_eq(pods_find(&pods, POD, start, &record), -ENOENT, "the first look");
	folder("proxies_golden-crab-0_" POD);
	set_changed(1000);
	cr_expect_eq(pods_find(&pods, POD, start + NS_PER_S - 1, &record), -EAGAIN,
		     "nothing seems to have changed");
	cr_expect_eq(pods_find(&pods, POD, start + NS_PER_S, &record), 0);

	folder("proxies_silver-fish-0_" SECOND);
	set_changed(2000);
	cr_expect_eq(pods_find(&pods, SECOND, start + NS_PER_S + NS_PER_S / 10 - 1, &record),
		     -EAGAIN);
	cr_expect_eq(pods_find(&pods, SECOND, start + NS_PER_S + NS_PER_S / 10, &record), 0,
		     "it has changed");
	/* A known pod needs no look-up and stays known. */
	cr_assert_eq(rmdir(path_of("proxies_golden-crab-0_" POD)), 0);
	cr_expect_eq(pods_find(&pods, POD, start + 20 * (uint64_t)NS_PER_S, &record), 0);
	cr_expect_eq(pods_find(&pods, STATIC, start + 20 * (uint64_t)NS_PER_S, &record), -ENOENT);
	cr_expect_eq(pods_find(&pods, POD, start + 21 * (uint64_t)NS_PER_S, &record), -ENOENT);
	pods_free(&pods);
}

Test(pods_find, no_folder, .init = begin, .fini = end)
{
	struct pods pods = PODS_FOLDERS(root);
	struct pod_record record;

	folder("proxies_golden-crab-0_" POD);
	cr_expect_eq(pods_find(&pods, POD, NS_PER_S, &record), 0);
	pods.root = "/nonexistent";
	cr_expect_eq(pods_find(&pods, SECOND, 3 * (uint64_t)NS_PER_S, &record), -ENOENT);
	pods.root = "/dev/null";
	cr_expect_eq(pods_find(&pods, SECOND, 5 * (uint64_t)NS_PER_S, &record), -ENOTDIR);
	cr_expect_eq(pods_find(&pods, POD, 5 * (uint64_t)NS_PER_S, &record), 0,
		     "what was known still is");
	pods_free(&pods);
}

Test(pods_find, more_than_fit, .init = begin, .fini = end)
{
	struct pods pods = PODS_FOLDERS(root);
	struct pod_record record;

	for (unsigned int i = 0; i < PODS_MAX + 10; i++) {
		char name[128];

		snprintf(name, sizeof(name), "proxies_pod-%u_%08x-5b1d-4c7f-9a60-d1e2f3a4b5c6", i,
			 i);
		folder(name);
	}
	cr_expect_eq(pods_find(&pods, POD, 1, &record), -ENOENT);
	cr_expect_eq(pods.scan.known, PODS_MAX);
	cr_expect_eq(pods.scan.beyond, 10);
	pods_free(&pods);
}
