// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "collector/attach/attach.h"

static enum abi_packet_program target_of(enum attach_direction direction)
{
	return direction == ATTACH_INGRESS ? ABI_PACKET_UNDERLAY_INGRESS
					   : ABI_PACKET_UNDERLAY_EGRESS;
}

int scene_stub(const struct scene *scene, enum attach_direction direction, uint32_t shift)
{
	struct stub_spec spec = { .slot = SLOT + shift,
				  .l2_header_length = 14,
				  .program = target_of(direction),
				  .programs_fd = scene->targets };
	int fd = stub_load(&spec);

	check(fd >= 0, "%s", strerror(-fd));
	return fd;
}

void scene_needs_tcx(const struct scene *scene)
{
	if (tcx_count(scene->world.near, ATTACH_EGRESS, "", NULL) < 0)
		skip("this kernel has no TCX");
}

uint32_t scene_ifindex(const struct scene *scene, enum attach_direction direction)
{
	return direction == ATTACH_INGRESS ? scene->world.far : scene->world.near;
}

const char *scene_device(enum attach_direction direction)
{
	return direction == ATTACH_INGRESS ? "far" : "near";
}

struct attachment_spec scene_spec(const struct scene *scene, enum attach_direction direction,
				  int stub, bool pinned)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", scene->world.pins, scene_device(direction));
	return (struct attachment_spec){ .ifindex = scene_ifindex(scene, direction),
					 .direction = direction,
					 .mode = scene->mode,
					 .stub_fd = stub,
					 .instance = INSTANCE,
					 .pin_path = pinned ? path : NULL };
}

struct attachment scene_open(const struct scene *scene, enum attach_direction direction,
			     bool pinned)
{
	int stub = scene_stub(scene, direction, 0);
	struct attachment_spec spec = scene_spec(scene, direction, stub, pinned);
	struct attachment attachment;
	int err = attachment_open(&attachment, &spec);

	close(stub);
	check(err == 0, "%s", strerror(-err));
	check(scene->mode == CONFIG_ATTACH_AUTO || attachment.mode == scene->mode,
	      "came up in mode %d", attachment.mode);
	check(attachment_alive(&attachment) == 1, "not alive");
	return attachment;
}

int scene_counted(struct scene *scene, enum attach_direction direction)
{
	int arrived;

	counters_clear(scene->counters);
	arrived = world_send(&scene->world, FRAMES);
	check(arrived == FRAMES, "%d of %d frames arrived", arrived, FRAMES);
	return (int)counters_frames(scene->counters, target_of(direction));
}

int scene_ours(const struct scene *scene, enum attach_direction direction)
{
	int links = tcx_count(scene_ifindex(scene, direction), direction, "wgsocks_stub", NULL);

	return (links > 0 ? links : 0) +
	       count_lines("tc filter show dev %s %s 2>/dev/null | grep wgsocks:",
			   scene_device(direction),
			   direction == ATTACH_INGRESS ? "ingress" : "egress");
}
