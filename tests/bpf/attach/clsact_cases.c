// SPDX-License-Identifier: Apache-2.0
/*
 * Cases of clsact only: priorities, kinds, the older `ingress` qdisc, and tools that delete too
 * much.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collector/attach/tc.h"
#include "collector/discovery/netlink.h"
#include "cases.h"

static void priority_is_taken(struct scene *scene)
{
	int program = counter_load(scene->counters, FOREIGN_FIRST, VERDICT_NEXT, "foreign");
	struct attachment egress, again;

	check(bpf_obj_pin(program, "/mnt/foreign") == 0, "%s", strerror(errno));
	scene->mode = CONFIG_ATTACH_CLSACT;
	egress = scene_open(scene, ATTACH_EGRESS, false);
	attachment_remove(&egress);
	run("tc qdisc add dev near clsact");
	run("tc filter add dev near egress pref %u protocol all u32 match u32 0xfeedbeef "
	    "0xffffffff at 40 flowid 1:1",
	    egress.priority);
	run("tc filter add dev near egress pref %u protocol ip bpf da object-pinned /mnt/foreign",
	    egress.priority + 1);
	again = scene_open(scene, ATTACH_EGRESS, false);
	check(again.priority == egress.priority + 2, "priority %u", again.priority);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	/*
	 * The reason for the other priority is gone: the filter is found there, not created again.
	 */
	run("tc filter del dev near egress pref %u", egress.priority);
	attachment_close(&again);
	again = scene_open(scene, ATTACH_EGRESS, false);
	check(again.taken_over && scene_ours(scene, ATTACH_EGRESS) == 1, "%d of ours",
	      scene_ours(scene, ATTACH_EGRESS));
	check(attachment_remove(&again) == 0, "remove");
	check(count_lines("tc filter show dev near egress | grep foreign") == 1,
	      "a foreign filter is gone");
}

/* A filter with the exporter's handle and priority, but another name, is not replaced. */
static void handle_is_taken(struct scene *scene)
{
	int program = counter_load(scene->counters, FOREIGN_FIRST, VERDICT_NEXT, "foreign");
	struct attachment egress;

	scene->mode = CONFIG_ATTACH_CLSACT;
	egress = scene_open(scene, ATTACH_EGRESS, false);
	attachment_remove(&egress);
	check(bpf_obj_pin(program, "/mnt/foreign") == 0, "%s", strerror(errno));
	run("tc qdisc add dev near clsact");
	run("tc filter add dev near egress pref %u handle 0x%x bpf da object-pinned /mnt/foreign",
	    egress.priority, INSTANCE);
	egress = scene_open(scene, ATTACH_EGRESS, false);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	check(counters_frames(scene->counters, FOREIGN_FIRST) == FRAMES,
	      "replaced a foreign filter");
	check(attachment_remove(&egress) == 0, "remove");
	check(scene_counted(scene, ATTACH_EGRESS) == 0, "still counts");
	check(counters_frames(scene->counters, FOREIGN_FIRST) == FRAMES,
	      "removed a foreign filter");
}

/* Two filters of the exporter, as left by two simultaneous starts: one stays. */
static void doubles_go(struct scene *scene)
{
	int fd = netlink_open(0), stub = scene_stub(scene, ATTACH_EGRESS, 0);
	struct tc_filter twin = { .handle = INSTANCE, .priority = 30 };
	struct attachment egress;

	scene->mode = CONFIG_ATTACH_CLSACT;
	egress = scene_open(scene, ATTACH_EGRESS, false);
	snprintf(twin.name, sizeof(twin.name), "wgsocks:%08x", INSTANCE);
	check(tc_filter_put(fd, scene->world.near, ATTACH_EGRESS, &twin, stub, false) == 0, "twin");
	check(scene_counted(scene, ATTACH_EGRESS) == 2 * FRAMES, "the twin does not count");
	attachment_close(&egress);
	egress = scene_open(scene, ATTACH_EGRESS, false);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "counted twice, or not at all");
	check(attachment_remove(&egress) == 0 && scene_ours(scene, ATTACH_EGRESS) == 0, "remove");
	close(fd);
}

/* An `ingress` qdisc takes a filter for egress and runs it at ingress: it must not get one. */
static void ingress_qdisc(struct scene *scene)
{
	int stub = scene_stub(scene, ATTACH_EGRESS, 0);
	struct attachment_spec spec;
	struct attachment ingress, egress;
	int err;

	scene->mode = CONFIG_ATTACH_CLSACT;
	run("tc qdisc add dev near ingress && tc qdisc add dev far ingress");
	spec = scene_spec(scene, ATTACH_EGRESS, stub, false);
	err = attachment_open(&egress, &spec);
	check(err == -EBUSY, "%s", strerror(-err));
	check(count_lines("tc filter show dev near parent ffff:") == 0,
	      "an egress filter is at ingress");
	ingress = scene_open(scene, ATTACH_INGRESS, false);
	check(!ingress.qdisc_created, "it was there");
	check(scene_counted(scene, ATTACH_INGRESS) == FRAMES, "not counted");
	check(attachment_remove(&ingress) == 0, "remove");
	check(scene_counted(scene, ATTACH_INGRESS) == 0, "still counts");
	check(count_lines("tc qdisc show | grep 'qdisc ingress'") == 2, "a foreign qdisc is gone");
}

static void others_clean_up(struct scene *scene)
{
	struct attachment egress;

	scene->mode = CONFIG_ATTACH_CLSACT;
	egress = scene_open(scene, ATTACH_EGRESS, false);
	run("tc filter del dev near egress");
	check(attachment_alive(&egress) == 0, "alive without its filter");
	egress = scene_open(scene, ATTACH_EGRESS, false);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	run("tc qdisc del dev near clsact");
	check(attachment_alive(&egress) == 0, "alive without its qdisc");
	check(attachment_remove(&egress) == 0, "gone already is no error");
	egress = scene_open(scene, ATTACH_EGRESS, false);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	attachment_remove(&egress);
}

const struct test_case clsact_cases[] = {
	{ "priority_is_taken", priority_is_taken, false },
	{ "handle_is_taken", handle_is_taken, false },
	{ "doubles_go", doubles_go, false },
	{ "ingress_qdisc", ingress_qdisc, false },
	{ "others_clean_up", others_clean_up, false },
	{ NULL, NULL, false },
};
