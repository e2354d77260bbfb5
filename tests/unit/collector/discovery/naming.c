// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/discovery/cgroup.h"
#include "collector/discovery/naming.h"
#include "lib/text/utf8.h"

#define ID "3f1d0c5b7a9e8d6c4b2a1f0e9d8c7b6a5f4e3d2c1b0a99887766554433221100"
#define UID_OF(digits) digits "-5b1d-4c7f-9a60-d1e2f3a4b5c6"

static const char *choose(struct naming_facts facts)
{
	static char name[CONFIG_NAME_SIZE];

	naming_choose(name, &facts);
	return name;
}

Test(naming_choose, the_first_that_is_known)
{
	struct naming_facts facts = { "golden-crab", "pod-0", "dante", ID, 0x1234, 4026532281u };

	cr_expect_str_eq(choose(facts), "golden-crab");
	facts.proxy_name = "";
	cr_expect_str_eq(choose(facts), "pod-0");
	facts.pod = NULL;
	cr_expect_str_eq(choose(facts), "dante");
	facts.container = "";
	cr_expect_str_eq(choose(facts), "3f1d0c5b7a9e");
	facts.container_id = "";
	cr_expect_str_eq(choose(facts), "0000000000001234");
	facts.netns_cookie = 0;
	cr_expect_str_eq(choose(facts), "netns-4026532281");
	facts = (struct naming_facts){ .netns_cookie = UINT64_MAX };
	cr_expect_str_eq(choose(facts), "ffffffffffffffff");
}

Test(naming_clean, repaired_and_cut)
{
	char name[CONFIG_NAME_SIZE], text[600];

	cr_expect_eq(naming_clean(name, "a\"\n{}\\", 6), 0,
		     "label syntax is the exposition's business");
	cr_expect_str_eq(name, "a\"\n{}\\");
	cr_expect_eq(naming_clean(name, "a\xff\0b", 4), NAMING_REPAIRED);
	cr_expect_str_eq(name, "a" UTF8_REPLACEMENT);
	memset(text, 'x', sizeof(text));
	cr_expect_eq(naming_clean(name, text, sizeof(text)), NAMING_CUT);
	cr_expect_eq(strlen(name), CONFIG_NAME_SIZE - 1);
	cr_expect_eq(naming_clean(name, text, CONFIG_NAME_SIZE - 1), 0);
}

Test(naming_node, variable_or_hostname)
{
	char name[CONFIG_NAME_SIZE], hostname[256] = "";

	gethostname(hostname, sizeof(hostname) - 1);
	setenv("NODE_NAME", "worker-1\xff", 1);
	naming_node(name);
	cr_expect_str_eq(name, "worker-1" UTF8_REPLACEMENT);
	setenv("NODE_NAME", "", 1);
	naming_node(name);
	cr_expect_str_eq(name, hostname);
	unsetenv("NODE_NAME");
	naming_node(name);
	cr_expect_str_eq(name, hostname);
}

#define MANY 5000
static struct naming_entry entries[MANY];
static struct naming_entry *order[MANY];

static void assign(size_t count)
{
	for (size_t i = 0; i < count; i++)
		order[i] = &entries[i];
	naming_assign(order, count);
}

/* The same from every order in which they may be found. */
static void assign_in_all_orders(size_t count)
{
	char labels[8][CONFIG_NAME_SIZE];

	assign(count);
	for (size_t i = 0; i < count; i++)
		strcpy(labels[i], entries[i].label);
	for (size_t turn = 0; turn < 50; turn++) {
		for (size_t i = count - 1; i > 0; i--) {
			size_t other = (size_t)rand() % (i + 1);
			struct naming_entry *swap = order[i];

			order[i] = order[other];
			order[other] = swap;
		}
		naming_assign(order, count);
		for (size_t i = 0; i < count; i++)
			cr_assert_str_eq(entries[i].label, labels[i]);
	}
}

static void put(size_t at, const char *name, uint64_t cookie, const char *uid)
{
	entries[at] = (struct naming_entry){
		.name = name, .cookie = cookie, .uid = uid, .inode = 4026532000u
	};
}

Test(naming_assign, none_and_one)
{
	naming_assign(NULL, 0);
	put(0, "crab", 7, NULL);
	assign(1);
	cr_expect_str_eq(entries[0].label, "crab");
}

Test(naming_assign, the_older_keeps_it)
{
	put(0, "crab", 0x20, UID_OF("0f8c2a3e"));
	put(1, "crab", 0x10, UID_OF("1f8c2a3e"));
	put(2, "fish", 0x30, UID_OF("2f8c2a3e"));
	put(3, "crab", 0x40, "8a1f3c5d7e9b0a2c4e6f8091a3b5c7d9");
	put(4, "crab", 0x1234567890ab, "");
	assign_in_all_orders(5);
	cr_expect_str_eq(entries[0].label, "crab@0f8c2a3e");
	cr_expect_str_eq(entries[1].label, "crab");
	cr_expect_str_eq(entries[2].label, "fish");
	cr_expect_str_eq(entries[3].label, "crab@8a1f3c5d", "of a static pod");
	cr_expect_str_eq(entries[4].label, "crab@567890ab", "of no pod: the cookie's");
}

/* The kernel before 5.14. */
Test(naming_assign, without_cookies)
{
	put(0, "crab", 0, NULL);
	put(1, "crab", 0, NULL);
	put(2, "crab", 0, NULL);
	for (uint32_t i = 0; i < 3; i++) {
		entries[i].since = 300 - i;
		entries[i].inode = 0xf0000010 + i;
	}
	assign_in_all_orders(3);
	cr_expect_str_eq(entries[0].label, "crab@f0000010");
	cr_expect_str_eq(entries[1].label, "crab@f0000011");
	cr_expect_str_eq(entries[2].label, "crab");
	for (uint32_t i = 0; i < 3; i++)
		entries[i].since = 0;
	assign_in_all_orders(3);
	cr_expect_str_eq(entries[0].label, "crab", "with no age either: the smaller inode");
}

/* Two of one pod (a network namespace within it), and pods whose uids begin alike. */
Test(naming_assign, the_same_digits)
{
	put(0, "crab", 1, UID_OF("0f8c2a3e"));
	put(1, "crab", 2, UID_OF("0f8c2a3e"));
	put(2, "crab", 3, UID_OF("0f8c2a3e"));
	put(3, "crab", 4, UID_OF("0f8c2a3e"));
	assign_in_all_orders(4);
	cr_expect_str_eq(entries[0].label, "crab");
	cr_expect_str_eq(entries[1].label, "crab@0f8c2a3e");
	cr_expect_str_eq(entries[2].label, "crab@00000003");
	cr_expect_str_eq(entries[3].label, "crab@00000004");
}

/*
 * A proxy whose own name equals the derived label of another gets that label if it is older, not if
 * it is younger.
 */
Test(naming_assign, names_that_look_like_labels)
{
	put(0, "crab@0f8c2a3e", 1, UID_OF("5f8c2a3e"));
	put(1, "crab", 2, UID_OF("1f8c2a3e"));
	put(2, "crab", 3, UID_OF("0f8c2a3e"));
	put(3, "crab@00000003", 4, UID_OF("6f8c2a3e"));
	put(4, "crab@0f8c2a3e", 5, UID_OF("7f8c2a3e"));
	assign_in_all_orders(5);
	cr_expect_str_eq(entries[0].label, "crab@0f8c2a3e");
	cr_expect_str_eq(entries[1].label, "crab");
	cr_expect_str_eq(entries[2].label, "crab@00000003");
	cr_expect_str_eq(entries[3].label, "crab@00000003@6f8c2a3e");
	cr_expect_str_eq(entries[4].label, "crab@0f8c2a3e@7f8c2a3e");
}

/* All foreseeable labels of the third are taken. */
Test(naming_assign, both_its_labels_are_taken)
{
	put(0, "crab", 1, NULL);
	put(1, "crab@00000009", 2, NULL);
	put(2, "crab@0f8c2a3e", 3, NULL);
	put(3, "crab", 9, UID_OF("0f8c2a3e"));
	put(4, "crab", 9, UID_OF("0f8c2a3e"));
	assign_in_all_orders(4);
	cr_expect_eq(strlen(entries[3].label), strlen("crab@00000000"));
	cr_expect(!strncmp(entries[3].label, "crab@", 5));
	for (size_t i = 0; i < 3; i++)
		cr_expect_str_neq(entries[3].label, entries[i].label);
	assign(5);
	cr_expect_str_neq(entries[3].label, entries[4].label,
			  "even for two that are the same in everything");
}

Test(naming_assign, a_long_name_is_cut_at_a_character)
{
	static char name[CONFIG_NAME_SIZE];

	/* 501 bytes, then characters of two: the suffix takes the place of the last ten. */
	memset(name, 'x', 501);
	for (size_t at = 501; at < 511; at += 2)
		memcpy(name + at, "\xc3\xa9", 2);
	put(0, name, 1, NULL);
	put(1, name, 2, NULL);
	assign_in_all_orders(2);
	cr_expect_str_eq(entries[0].label, name);
	cr_expect_eq(strlen(entries[1].label), 510);
	cr_expect_str_eq(entries[1].label + 501, "@00000002");
}

static char names[MANY][32], uids[MANY][POD_UID_SIZE];

static int compare_labels(const void *a, const void *b)
{
	return strcmp((*(struct naming_entry *const *)a)->label,
		      (*(struct naming_entry *const *)b)->label);
}

static void expect_unique(size_t count)
{
	qsort(order, count, sizeof(order[0]), compare_labels);
	for (size_t i = 1; i < count; i++)
		cr_assert(compare_labels(&order[i - 1], &order[i]), "%s twice", order[i]->label);
}

/* Proxies are added one by one: no existing proxy changes its label. */
Test(naming_assign, a_new_proxy_changes_no_label)
{
	static char before[500][64];

	srand(1);
	for (size_t i = 0; i < 500; i++) {
		snprintf(uids[i], sizeof(uids[i]), "%08x-5b1d-4c7f-9a60-d1e2f3a4b5c6",
			 (unsigned int)rand() % 8);
		snprintf(names[i], sizeof(names[i]), rand() % 2 ? "crab" : "crab@%08x",
			 (unsigned int)rand() % 16);
		put(i, names[i], i + 1, rand() % 2 ? uids[i] : NULL);
		assign(i + 1);
		for (size_t k = 0; k < i; k++)
			cr_assert_str_eq(entries[k].label, before[k]);
		strcpy(before[i], entries[i].label);
	}
	expect_unique(500);
}

static void expect_quick(void)
{
	struct timespec start, end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	assign(MANY);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	expect_unique(MANY);
	/* About 2 ms; n² is half a second and more. */
	cr_expect_lt((double)(end.tv_sec - start.tv_sec) +
			     (double)(end.tv_nsec - start.tv_nsec) / 1e9,
		     0.1);
}

Test(naming_assign, five_thousand)
{
	for (int kind = 0; kind < 3; kind++) {
		for (size_t i = 0; i < MANY; i++) {
			snprintf(names[i], sizeof(names[i]), kind == 1 ? "proxy-%zu" : "proxy", i);
			snprintf(uids[i], sizeof(uids[i]), "%08x-5b1d-4c7f-9a60-d1e2f3a4b5c6",
				 (unsigned int)(i * 2654435761u));
			/* The last kind: one pod of 5,000 namespaces. */
			put(i, names[i], MANY - i, kind == 2 ? uids[0] : uids[i]);
		}
		expect_quick();
	}
}

/*
 * One half uses names equal to the future labels of the other half, since cookies are predictable.
 */
Test(naming_assign, five_thousand_of_which_half_are_hostile)
{
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), i < MANY / 2 ? "proxy@%08zx" : "proxy",
			 MANY + MANY / 2 + i);
		put(i, names[i], MANY + i, NULL);
	}
	expect_quick();
}
