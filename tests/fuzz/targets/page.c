// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/web/page: the page of a snapshot from another process. Its names and numbers cannot add
 * tags to the page. The input is a block, as for the target snapshot.
 */
#include "fuzz.h"

#include <string.h>

#include "lib/snapshot/block.h"
#include "lib/snapshot/snapshot.h"
#include "web/page/page.h"

static const char *const tags[] = {
	"a",	   "article", "b",     "body", "br",	 "caption",    "code", "data",	  "dd",
	"details", "div",     "dl",    "dt",   "figure", "figcaption", "h1",   "h2",	  "head",
	"header",  "html",    "li",    "link", "main",	 "meta",       "nav",  "p",	  "path",
	"script",  "section", "small", "span", "style",	 "summary",    "svg",  "table",	  "tbody",
	"td",	   "th",      "thead", "time", "title",	 "tr",	       "ul",   "!DOCTYPE"
};

static void check_tag(const char *at, const char *end)
{
	size_t length = 0;

	at += at < end && *at == '/';
	while (at + length < end && !strchr(" >\n", at[length]))
		length++;
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (strlen(tags[i]) == length && !memcmp(tags[i], at, length))
			return;
	CHECK(0, "a tag that is not the page's: %.*s", (int)length, at);
}

/* Style and script are no business of the samples'. */
static void check_page(const char *at, const char *end)
{
	const char *style = memmem(at, (size_t)(end - at), "</style>", 8), *script;

	CHECK(style);
	script = memmem(style, (size_t)(end - style), "<script>", 8);
	CHECK(script && !memmem(script + 1, (size_t)(end - script - 1), "<script", 7));
	for (at = style; at < script; at++)
		if (*at == '<')
			check_tag(at + 1, script);
}

static struct config config = { .interface = "wg0",
				.telemetry_path = "/metrics",
				.proxies_max = 64 };

static void render(const struct snapshot *s, const char *proxy)
{
	static struct shared *shared;
	struct snapshot parts[2] = { *s, *s };
	struct text text = { 0 };
	struct page_source source = { &config, NULL, parts, 2, proxy, 0, 1700000000 };

	if (!shared)
		shared = shared_create(4);
	source.shared = shared;
	CHECK(page_write(&text, &source) == 0);
	check_page(text.data, text.data + text.size);
	source.part_count = 1;
	text_reset(&text);
	CHECK(page_write(&text, &source) == 0);
	check_page(text.data, text.data + text.size);
	text_free(&text);
}

/* As in snapshot.c: the parts are made to fit, so that more than refusing is seen. */
static void repair(struct snapshot_header *h, char *block, size_t size)
{
	size_t left = size - sizeof(*h);
	struct block_layout layout;

	h->magic = SNAPSHOT_MAGIC;
	h->sample_count %= left / sizeof(struct sample) + 1;
	left -= h->sample_count * sizeof(struct sample);
	h->histogram_count %= left / sizeof(struct sample_histogram) + 1;
	left -= h->histogram_count * sizeof(struct sample_histogram);
	h->history_count %= left / sizeof(struct sample_history) + 1;
	left -= h->history_count * sizeof(struct sample_history);
	left &= ~(size_t)7;
	if (h->string_bytes > left || (!h->string_bytes && left))
		h->string_bytes = (uint32_t)left;
	layout = block_layout(h->sample_count, h->histogram_count, h->history_count,
			      h->string_bytes);
	h->length = layout.length;
	if (h->string_bytes)
		block[layout.strings + h->string_bytes - 1] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *block = fuzz_copy(data, size);
	struct snapshot_header *header = block;
	struct snapshot s;

	if (size >= sizeof(*header)) {
		repair(header, block, size);
		if (!snapshot_open(&s, block, size, header->id)) {
			render(&s, NULL);
			render(&s, s.string_bytes ? s.strings : "");
		}
	}
	free(block);
	return 0;
}
