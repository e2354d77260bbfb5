// SPDX-License-Identifier: Apache-2.0
/* With foreign programs and filters before and after the exporter's, and with a second instance. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "cases.h"

static void add_filter(struct scene *scene, const char *device, const char *direction, int priority,
		       int counter, int verdict)
{
	static int number;
	int program = counter_load(scene->counters, counter, verdict, "foreign");
	char path[64];

	snprintf(path, sizeof(path), "/mnt/foreign%d", number++);
	check(bpf_obj_pin(program, path) == 0, "%s", strerror(errno));
	run("tc filter add dev %s %s pref %d bpf da object-pinned %s", device, direction, priority,
	    path);
	close(program);
}

static void check_foreign_run(struct scene *scene, const char *when)
{
	check(counters_frames(scene->counters, FOREIGN_FIRST) == FRAMES,
	      "%s: the first foreign one ran %lu times", when,
	      counters_frames(scene->counters, FOREIGN_FIRST));
	check(counters_frames(scene->counters, FOREIGN_LAST) == FRAMES,
	      "%s: the last foreign one ran %lu times", when,
	      counters_frames(scene->counters, FOREIGN_LAST));
}

/* Two foreign TCX links exist before ours, at both ends of the chain; a third is added later. */
static void foreign_tcx_links_stay(struct scene *scene)
{
	uint32_t near = scene->world.near;
	int first, last;
	struct attachment egress;

	scene_needs_tcx(scene);
	first = counter_load(scene->counters, FOREIGN_FIRST, VERDICT_NEXT, "foreign");
	last = counter_load(scene->counters, FOREIGN_LAST, VERDICT_NEXT, "foreign");
	foreign_tcx(near, ATTACH_EGRESS, first, true);
	egress = scene_open(scene, ATTACH_EGRESS, true);
	foreign_tcx(near, ATTACH_EGRESS, last, false);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	check_foreign_run(scene, "attached");
	check(attachment_remove(&egress) == 0, "remove");
	check(scene_counted(scene, ATTACH_EGRESS) == 0, "still counts");
	check_foreign_run(scene, "removed");
	check(tcx_count(near, ATTACH_EGRESS, "foreign", NULL) == 2, "a foreign link is gone");
}

static void foreign_filters_stay(struct scene *scene)
{
	struct attachment egress;

	run("tc qdisc add dev near clsact");
	run("tc filter add dev near egress pref 1 protocol all u32 match u32 0xfeedbeef 0xffffffff "
	    "at 40 flowid 1:1");
	add_filter(scene, "near", "egress", 2, FOREIGN_FIRST, VERDICT_NEXT);
	add_filter(scene, "near", "ingress", 2, FOREIGN_FIRST, VERDICT_NEXT);
	egress = scene_open(scene, ATTACH_EGRESS, true);
	add_filter(scene, "near", "egress", 40000, FOREIGN_LAST, VERDICT_NEXT);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	check_foreign_run(scene, "attached");
	check(!egress.qdisc_created, "it was there");
	check(attachment_remove(&egress) == 0, "remove");
	check(scene_counted(scene, ATTACH_EGRESS) == 0, "still counts");
	check_foreign_run(scene, "removed");
	check(count_lines("tc filter show dev near egress | grep -e foreign -e flowid") == 3,
	      "a filter is gone");
	check(count_lines("tc filter show dev near ingress | grep foreign") == 1,
	      "a filter is gone");
}

/* A foreign qdisc stays even if empty; the exporter's qdisc stays while others use it. */
static void foreign_qdisc_stays(struct scene *scene)
{
	struct attachment egress;

	run("tc qdisc add dev near clsact");
	egress = scene_open(scene, ATTACH_EGRESS, true);
	check(attachment_remove(&egress) == 0, "remove");
	check(count_lines("tc qdisc show dev near | grep clsact") == 1, "a foreign qdisc is gone");
	run("tc qdisc del dev near clsact");

	egress = scene_open(scene, ATTACH_EGRESS, true);
	run("tc qdisc add dev near clsact 2>/dev/null || true");
	add_filter(scene, "near", "ingress", 2, FOREIGN_FIRST, VERDICT_NEXT);
	check(attachment_remove(&egress) == 0, "remove");
	check(count_lines("tc filter show dev near ingress | grep foreign") == 1,
	      "a foreign filter is gone");
	check(scene_ours(scene, ATTACH_EGRESS) == 0, "something of ours is left");
}

/* A foreign program that ends the chain with OK must not hide packets, in any earlier position. */
static void terminating_neighbour(struct scene *scene)
{
	int program = counter_load(scene->counters, FOREIGN_FIRST, VERDICT_OK, "foreign");
	struct attachment egress, ingress;

	if (scene->mode == CONFIG_ATTACH_TCX) {
		foreign_tcx(scene->world.near, ATTACH_EGRESS, program, true);
		foreign_tcx(scene->world.far, ATTACH_INGRESS, program, true);
	} else {
		run("tc qdisc add dev near clsact && tc qdisc add dev far clsact");
		add_filter(scene, "near", "egress", 49152, FOREIGN_FIRST, VERDICT_OK);
		add_filter(scene, "far", "ingress", 49152, FOREIGN_FIRST, VERDICT_OK);
	}
	egress = scene_open(scene, ATTACH_EGRESS, true);
	ingress = scene_open(scene, ATTACH_INGRESS, true);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "blind at egress");
	check(counters_frames(scene->counters, ABI_PACKET_UNDERLAY_INGRESS) == FRAMES,
	      "blind at ingress");
	check(counters_frames(scene->counters, FOREIGN_FIRST) == 2 * FRAMES,
	      "the neighbour does not run");
	attachment_remove(&ingress);
	attachment_remove(&egress);
}

/* A sidecar and a node agent on one interface. */
static void two_instances(struct scene *scene)
{
	struct attachment first = scene_open(scene, ATTACH_EGRESS, false), second;
	int stub = scene_stub(scene, ATTACH_EGRESS, 1);
	struct attachment_spec spec = scene_spec(scene, ATTACH_EGRESS, stub, false);

	spec.instance = OTHER_INSTANCE;
	check(attachment_open(&second, &spec) == 0, "second");
	check(!second.taken_over, "took over the other instance's");
	check(scene_ours(scene, ATTACH_EGRESS) == 2, "%d of ours",
	      scene_ours(scene, ATTACH_EGRESS));
	check(scene_counted(scene, ATTACH_EGRESS) == 2 * FRAMES, "not both count");
	check(attachment_remove(&first) == 0, "remove");
	check(attachment_alive(&second) == 1, "the other one went too");
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "the other one does not count");
	check(counters_cb(scene->counters, ABI_PACKET_UNDERLAY_EGRESS) ==
		      ABI_STUB_CB(SLOT + 1, 14, ABI_PACKET_UNDERLAY_EGRESS),
	      "the wrong one");
	attachment_remove(&second);
}

static void sweep_takes_ours_alone(struct scene *scene)
{
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, true);
	struct attachment ingress = scene_open(scene, ATTACH_INGRESS, true);
	struct attachment_spec spec =
		scene_spec(scene, ATTACH_EGRESS, scene_stub(scene, ATTACH_EGRESS, 1), false);
	struct attachment other;
	bool clsact = scene->mode == CONFIG_ATTACH_CLSACT;
	int program = counter_load(scene->counters, FOREIGN_LAST, VERDICT_NEXT, "foreign");
	char path[128];
	int removed;

	attachment_close(&egress);
	attachment_close(&ingress);
	spec.instance = OTHER_INSTANCE;
	check(attachment_open(&other, &spec) == 0, "other");
	run("tc qdisc add dev near clsact 2>/dev/null || true");
	add_filter(scene, "near", "egress", 2, FOREIGN_FIRST, VERDICT_NEXT);
	snprintf(path, sizeof(path), "%s/program", scene->world.pins);
	check(bpf_obj_pin(program, path) == 0, "%s", strerror(errno));

	removed = attach_sweep(INSTANCE, scene->world.pins);
	check(removed == 2, "removed %d", removed);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES,
	      "the other instance went too, or ours stayed");
	check(counters_frames(scene->counters, FOREIGN_FIRST) == FRAMES, "the foreign filter went");
	check(counters_frames(scene->counters, ABI_PACKET_UNDERLAY_INGRESS) == 0,
	      "ours stayed at ingress");
	check(count_lines("ls %s", scene->world.pins) == 1,
	      "what is no link must stay, links must go");
	removed = attach_sweep(0, NULL);
	check(removed == clsact, "removed %d of any instance", removed);
	check(scene_counted(scene, ATTACH_EGRESS) == (clsact ? 0 : FRAMES), "sweep of all");
	check(attach_sweep(0, "/mnt/missing") == 0, "nothing left, no folder");
	attachment_close(&other);
}

const struct test_case neighbour_cases[] = {
	{ "foreign_tcx_links_stay", foreign_tcx_links_stay, true },
	{ "foreign_filters_stay", foreign_filters_stay, true },
	{ "foreign_qdisc_stays", foreign_qdisc_stays, true },
	{ "terminating_neighbour", terminating_neighbour, true },
	{ "two_instances", two_instances, true },
	{ "sweep_takes_ours_alone", sweep_takes_ours_alone, true },
	{ NULL, NULL, false },
};
