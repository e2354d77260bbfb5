// SPDX-License-Identifier: Apache-2.0
/* A single instance: packets pass, crashes, take-over, interfaces that appear and vanish. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "cases.h"
#include "collector/attach/attach.h"

static void each_direction_counts(struct scene *scene)
{
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, false);
	struct attachment ingress = scene_open(scene, ATTACH_INGRESS, false);

	check(!egress.taken_over && !ingress.taken_over, "nothing was there to take over");
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "egress");
	check(counters_frames(scene->counters, ABI_PACKET_UNDERLAY_INGRESS) == FRAMES, "ingress");
	check(counters_cb(scene->counters, ABI_PACKET_UNDERLAY_EGRESS) ==
		      ABI_STUB_CB(SLOT, 14, ABI_PACKET_UNDERLAY_EGRESS),
	      "cb[4] of egress");
	check(counters_cb(scene->counters, ABI_PACKET_UNDERLAY_INGRESS) ==
		      ABI_STUB_CB(SLOT, 14, ABI_PACKET_UNDERLAY_INGRESS),
	      "cb[4] of ingress");
	attachment_remove(&ingress);
	attachment_remove(&egress);
}

static void empty_array_lets_pass(struct scene *scene)
{
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, false);
	uint32_t index = ABI_PACKET_UNDERLAY_EGRESS;

	check(bpf_map_delete_elem(scene->targets, &index) == 0, "%s", strerror(errno));
	check(scene_counted(scene, ATTACH_EGRESS) == 0, "somebody counted");
	attachment_remove(&egress);
}

static void remove_leaves_nothing(struct scene *scene)
{
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, true);
	struct attachment ingress = scene_open(scene, ATTACH_INGRESS, true);

	check(scene_ours(scene, ATTACH_EGRESS) == 1 && scene_ours(scene, ATTACH_INGRESS) == 1,
	      "not attached");
	check(attachment_remove(&ingress) == 0 && attachment_remove(&egress) == 0, "remove");
	check(scene_counted(scene, ATTACH_EGRESS) == 0, "still counts");
	check(counters_frames(scene->counters, ABI_PACKET_UNDERLAY_INGRESS) == 0, "still counts");
	check(scene_ours(scene, ATTACH_EGRESS) + scene_ours(scene, ATTACH_INGRESS) == 0,
	      "something is left");
	check(count_lines("ls %s", scene->world.pins) == 0, "a pin is left");
	check(count_lines("tc qdisc show | grep clsact") == 0, "a qdisc is left");
}

/* A link is detached even if another process (a child, a debugger) still has its descriptor. */
static void remove_is_not_close(struct scene *scene)
{
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, true);
	int held = dup(egress.link_fd);

	check(attachment_remove(&egress) == 0, "remove");
	check(scene_counted(scene, ATTACH_EGRESS) == 0, "still counts");
	close(held);
}

/*
 * The second direction uses the qdisc of the first; the last of the two removes it, in any order.
 */
static void qdisc_goes_last(struct scene *scene)
{
	struct attachment_spec spec;
	struct attachment first = scene_open(scene, ATTACH_EGRESS, true), second;
	int stub = scene_stub(scene, ATTACH_INGRESS, 0);

	spec = scene_spec(scene, ATTACH_INGRESS, stub, false);
	spec.ifindex = scene->world.near;
	check(attachment_open(&second, &spec) == 0, "second");
	if (scene->mode == CONFIG_ATTACH_CLSACT)
		check(first.qdisc_created && second.qdisc_created, "who made it");
	check(attachment_remove(&second) == 0, "remove");
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "the other direction went too");
	check(attachment_open(&second, &spec) == 0, "second again");
	check(attachment_remove(&first) == 0 && attachment_remove(&second) == 0, "remove");
	check(count_lines("tc qdisc show | grep clsact") == 0, "a qdisc is left");
}

/* A child attaches and is killed. */
static void crash_attached(struct scene *scene, bool pinned)
{
	pid_t child = fork();
	int status;

	check(child >= 0, "%s", strerror(errno));
	if (child == 0) {
		scene_open(scene, ATTACH_EGRESS, pinned);
		kill(getpid(), SIGKILL);
	}
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
		      WTERMSIG(status) == SIGKILL,
	      "child");
}

static void take_over_after_crash(struct scene *scene)
{
	struct attachment_spec spec;
	struct attachment egress;
	int stub;

	crash_attached(scene, true);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "nobody counts between the two");
	stub = scene_stub(scene, ATTACH_EGRESS, 1);
	spec = scene_spec(scene, ATTACH_EGRESS, stub, true);
	check(attachment_open(&egress, &spec) == 0, "take over");
	check(egress.taken_over, "created, not taken over");
	check(scene_ours(scene, ATTACH_EGRESS) == 1, "%d of ours",
	      scene_ours(scene, ATTACH_EGRESS));
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "counted twice, or not at all");
	check(counters_cb(scene->counters, ABI_PACKET_UNDERLAY_EGRESS) ==
		      ABI_STUB_CB(SLOT + 1, 14, ABI_PACKET_UNDERLAY_EGRESS),
	      "the old stub");
	check(attachment_remove(&egress) == 0, "remove");
	check(scene_ours(scene, ATTACH_EGRESS) == 0, "something is left");
}

static void close_keeps_what_stays(struct scene *scene)
{
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, true);

	attachment_close(&egress);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "detached");
}

/* Without a pin a TCX link ends with its process; a filter stays, but never twice. */
static void unpinned_crash(struct scene *scene)
{
	struct attachment egress;

	crash_attached(scene, false);
	check(scene_ours(scene, ATTACH_EGRESS) == (scene->mode == CONFIG_ATTACH_CLSACT),
	      "left behind");
	egress = scene_open(scene, ATTACH_EGRESS, false);
	check(scene_ours(scene, ATTACH_EGRESS) == 1, "%d of ours",
	      scene_ours(scene, ATTACH_EGRESS));
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "counted twice, or not at all");
	attachment_remove(&egress);
}

struct sender {
	struct world *world;
	atomic_bool stop;
	long sent;
};

static void *send_on(void *argument)
{
	struct sender *sender = argument;

	while (!atomic_load(&sender->stop))
		sender->sent += world_send_blind(sender->world, 100);
	return NULL;
}

/* Repeated take-over during traffic: each frame is counted exactly once. */
static void exchange_loses_nothing(struct scene *scene)
{
	struct sender sender = { .world = &scene->world };
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, true);
	pthread_t thread;
	long counted;

	counters_clear(scene->counters);
	check(pthread_create(&thread, NULL, send_on, &sender) == 0, "thread");
	for (int i = 0; i < 300; i++) {
		attachment_close(&egress);
		egress = scene_open(scene, ATTACH_EGRESS, true);
		check(egress.taken_over, "round %d", i);
	}
	atomic_store(&sender.stop, true);
	pthread_join(thread, NULL);
	counted = (long)counters_frames(scene->counters, ABI_PACKET_UNDERLAY_EGRESS);
	check(sender.sent > 1000 && counted == sender.sent, "sent %ld, counted %ld", sender.sent,
	      counted);
	attachment_remove(&egress);
}

static void interface_returns(struct scene *scene)
{
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, true);
	struct attachment_spec spec;
	struct attachment none;
	int stub = scene_stub(scene, ATTACH_EGRESS, 0);

	run("ip link del near");
	check(attachment_alive(&egress) == 0, "alive without an interface");
	spec = scene_spec(scene, ATTACH_EGRESS, stub, false);
	check(attachment_open(&none, &spec) == -ENODEV, "opened on what is gone");
	attachment_close(&egress);
	world_plug(&scene->world);
	egress = scene_open(scene, ATTACH_EGRESS, true);
	check(!egress.taken_over, "took over a link without an interface");
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	check(attachment_remove(&egress) == 0, "remove");

	egress = scene_open(scene, ATTACH_EGRESS, true);
	run("ip link del near");
	check(attachment_remove(&egress) == 0, "removal from what is gone is no error");
	check(count_lines("ls %s", scene->world.pins) == 0, "a pin is left");
}

/*
 * The pin of an interface that vanished meanwhile is removed; live links, programs and maps stay.
 */
static void prune_takes_the_dead(struct scene *scene)
{
	struct attachment egress, ingress;
	char path[128];
	int pruned;

	scene_needs_tcx(scene);
	egress = scene_open(scene, ATTACH_EGRESS, true);
	attachment_close(&egress);
	run("ip link del near");
	world_plug(&scene->world);
	ingress = scene_open(scene, ATTACH_INGRESS, true);
	snprintf(path, sizeof(path), "%s/map", scene->world.pins);
	check(bpf_obj_pin(scene->counters, path) == 0, "%s", strerror(errno));
	pruned = attach_prune(scene->world.pins);
	check(pruned == 1, "pruned %d", pruned);
	check(count_lines("ls %s | grep -e far -e map", scene->world.pins) == 2,
	      "what lives is gone");
	check(scene_counted(scene, ATTACH_INGRESS) == FRAMES, "the live one is detached");
	check(attach_prune(scene->world.pins) == 0 && attach_prune("/mnt/missing") == 0,
	      "nothing to prune");
	attachment_remove(&ingress);
}

/* A pin whose link is on another interface is released, and the right interface attached. */
static void pin_of_another_interface(struct scene *scene)
{
	int stub = scene_stub(scene, ATTACH_EGRESS, 0);
	struct attachment_spec spec = scene_spec(scene, ATTACH_EGRESS, stub, true);
	struct attachment lo, egress;
	int held;

	scene_needs_tcx(scene);
	spec.ifindex = 1;
	check(attachment_open(&lo, &spec) == 0, "lo");
	held = dup(lo.link_fd);
	attachment_close(&lo);
	egress = scene_open(scene, ATTACH_EGRESS, true);
	check(!egress.taken_over, "took over the link of lo");
	check(tcx_count(1, ATTACH_EGRESS, "wgsocks_stub", NULL) == 0, "still on lo");
	close(held);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	attachment_remove(&egress);
}

static void mode_changes(struct scene *scene)
{
	enum config_attach other =
		scene->mode == CONFIG_ATTACH_TCX ? CONFIG_ATTACH_CLSACT : CONFIG_ATTACH_TCX;
	struct attachment egress;

	scene_needs_tcx(scene);
	crash_attached(scene, true);
	scene->mode = other;
	egress = scene_open(scene, ATTACH_EGRESS, true);
	check(scene_ours(scene, ATTACH_EGRESS) == 1, "%d of ours",
	      scene_ours(scene, ATTACH_EGRESS));
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "counted twice, or not at all");
	attachment_remove(&egress);
}

static void auto_takes_the_best(struct scene *scene)
{
	bool has_tcx = tcx_count(scene->world.near, ATTACH_EGRESS, "", NULL) >= 0;
	struct attachment egress = scene_open(scene, ATTACH_EGRESS, false);

	check(egress.mode == (has_tcx ? CONFIG_ATTACH_TCX : CONFIG_ATTACH_CLSACT), "mode %d",
	      egress.mode);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	attachment_remove(&egress);
}

/* All 64 places of a TCX chain are taken: AUTO falls back to clsact. */
static void auto_finds_a_full_chain(struct scene *scene)
{
	struct attachment egress;
	int program;

	scene_needs_tcx(scene);
	for (int i = 0; i < 63; i++) {
		program = counter_load(scene->counters, FOREIGN_FIRST, VERDICT_NEXT, "foreign");
		foreign_tcx(scene->world.near, ATTACH_EGRESS, program, false);
	}
	egress = scene_open(scene, ATTACH_EGRESS, false);
	check(scene_counted(scene, ATTACH_EGRESS) == FRAMES, "not counted");
	attachment_remove(&egress);
}

static void bad_specs(struct scene *scene)
{
	char path[CONFIG_PATH_SIZE + 8];
	int stub = scene_stub(scene, ATTACH_EGRESS, 0);
	struct attachment_spec spec = scene_spec(scene, ATTACH_EGRESS, stub, false);
	struct stub_spec wide = { .slot = 0x10000,
				  .l2_header_length = 14,
				  .programs_fd = scene->targets };
	struct stub_spec deep = { .slot = 0xffff,
				  .l2_header_length = 256,
				  .programs_fd = scene->targets };
	struct attachment attachment;

	check(stub_load(&wide) == -ERANGE && stub_load(&deep) == -ERANGE, "what does not fit");
	spec.instance = 0;
	check(attachment_open(&attachment, &spec) == -EINVAL, "instance 0 is every instance");
	spec = scene_spec(scene, ATTACH_EGRESS, stub, false);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	spec.pin_path = path;
	check(attachment_open(&attachment, &spec) == -ENAMETOOLONG, "path");
	spec = scene_spec(scene, ATTACH_EGRESS, stub, false);
	spec.pin_path = "/mnt/missing/link";
	spec.mode = CONFIG_ATTACH_TCX;
	if (tcx_count(scene->world.near, ATTACH_EGRESS, "", NULL) >= 0)
		check(attachment_open(&attachment, &spec) == -ENOENT, "folder");
	spec = scene_spec(scene, ATTACH_EGRESS, stub, false);
	spec.ifindex = 999;
	check(attachment_open(&attachment, &spec) == -ENODEV, "ifindex");
	spec = scene_spec(scene, ATTACH_EGRESS, -1, false);
	spec.mode = CONFIG_ATTACH_CLSACT;
	check(attachment_open(&attachment, &spec) < 0, "no program");
	attachment_close(&attachment);
	check(attachment_alive(&attachment) == 0 && attachment_remove(&attachment) == 0,
	      "a closed one");
	check(scene_ours(scene, ATTACH_EGRESS) == 0, "something is left");
	check(count_lines("tc qdisc show | grep clsact") == 0, "a qdisc is left");
}

const struct test_case attach_cases[] = {
	{ "each_direction_counts", each_direction_counts, true },
	{ "empty_array_lets_pass", empty_array_lets_pass, true },
	{ "remove_leaves_nothing", remove_leaves_nothing, true },
	{ "remove_is_not_close", remove_is_not_close, true },
	{ "qdisc_goes_last", qdisc_goes_last, true },
	{ "take_over_after_crash", take_over_after_crash, true },
	{ "close_keeps_what_stays", close_keeps_what_stays, true },
	{ "unpinned_crash", unpinned_crash, true },
	{ "exchange_loses_nothing", exchange_loses_nothing, true },
	{ "interface_returns", interface_returns, true },
	{ "mode_changes", mode_changes, true },
	{ "pin_of_another_interface", pin_of_another_interface, false },
	{ "prune_takes_the_dead", prune_takes_the_dead, false },
	{ "auto_takes_the_best", auto_takes_the_best, false },
	{ "auto_finds_a_full_chain", auto_finds_a_full_chain, false },
	{ "bad_specs", bad_specs, false },
	{ NULL, NULL, false },
};
