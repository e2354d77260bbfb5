// SPDX-License-Identifier: Apache-2.0
#include "web/response/body.h"

#include <errno.h>
#include <stdlib.h>

struct body *body_use(struct body *body)
{
	body->users++;
	return body;
}

void body_release(struct body *body)
{
	if (!body || --body->users)
		return;
	text_free(&body->text);
	free(body);
}

struct body *body_renew(struct body **kept)
{
	if (!*kept || (*kept)->users > 1) {
		struct body *body = calloc(1, sizeof(*body));

		if (!body)
			return NULL;
		body_release(*kept);
		*kept = body_use(body);
	}
	text_reset(&(*kept)->text);
	return *kept;
}

/*
 * Measured (docs/bench.md): levels above 1 take more time than the smaller response saves. Similar
 * lines are close to each other, so a window of 4 KiB is enough. With this memory level, zlib takes
 * 28 KiB instead of its default of 268 KiB.
 */
#define LEVEL 1
#define WINDOW_BITS (12 + 16) /* + 16: gzip header and checksum */
#define MEMORY_LEVEL 5

int gzip_write(struct gzip *gzip, struct text *out, const struct text *from)
{
	z_stream *stream = &gzip->stream;
	size_t most;

	if (!gzip->ready && deflateInit2(stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
					 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	gzip->ready = true;
	deflateReset(stream);
	most = deflateBound(stream, from->size);
	if (!text_reserve(out, most))
		return -ENOMEM;
	stream->next_in = (Bytef *)from->data;
	stream->avail_in = (uInt)from->size;
	stream->next_out = (Bytef *)(out->data + out->size);
	stream->avail_out = (uInt)most;
	if (deflate(stream, Z_FINISH) != Z_STREAM_END)
		return -ENOMEM;
	out->size += most - stream->avail_out;
	return 0;
}

void gzip_free(struct gzip *gzip)
{
	if (gzip->ready)
		deflateEnd(&gzip->stream);
	*gzip = (struct gzip){ 0 };
}
