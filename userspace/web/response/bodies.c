// SPDX-License-Identifier: Apache-2.0
#include "web/response/bodies.h"

#include "lib/log/log.h"

static bool slot_holds(const struct body_slot *slot, const struct body_source *source)
{
	return slot->body && slot->round == source->round && slot->mask == source->mask;
}

/* Empties the slot's body and assigns it to this source. NULL: out of memory. */
static struct text *slot_renew(struct body_slot *slot, const struct body_source *source)
{
	slot->round = source->round;
	slot->mask = source->mask;
	slot->good = false;
	return body_renew(&slot->body) ? &slot->body->text : NULL;
}

static bool plain_write(struct bodies *b, struct text *out, const struct body_source *source,
			enum exposition_format format)
{
	struct snapshot parts[2];

	self_metrics_fill(source->self, &b->builder, source->samples ? 0 : source->mask);
	snapshot_view(&parts[0], &b->builder);
	if (source->samples)
		parts[1] = *source->samples;
	return !b->builder.error &&
	       !exposition_write(&b->exposition, out, format, parts, source->samples ? 2 : 1);
}

static const struct body_slot *slot_get(struct bodies *b, const struct body_source *source,
					enum exposition_format format, bool gzip)
{
	struct body_slot *slot = &b->slots[format][gzip];
	struct text *out;

	if (slot_holds(slot, source))
		return slot;
	out = slot_renew(slot, source);
	if (out && gzip) {
		const struct body_slot *plain = slot_get(b, source, format, false);

		slot->good = plain->good && !gzip_write(&b->gzip, out, &plain->body->text);
	} else if (out) {
		slot->good = plain_write(b, out, source, format);
	}
	if (!slot->good)
		log_error("cannot allocate response");
	return slot;
}

struct body *bodies_get(struct bodies *bodies, const struct body_source *source,
			enum exposition_format format, bool gzip)
{
	const struct body_slot *slot = slot_get(bodies, source, format, gzip);

	return slot->good ? body_use(slot->body) : NULL;
}

void bodies_free(struct bodies *bodies)
{
	for (int format = 0; format < EXPOSITION_FORMATS; format++)
		for (int gzip = 0; gzip < 2; gzip++)
			body_release(bodies->slots[format][gzip].body);
	snapshot_free(&bodies->builder);
	exposition_free(&bodies->exposition);
	gzip_free(&bodies->gzip);
}
