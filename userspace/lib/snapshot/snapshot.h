/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neutral form between reading and printing. A snapshot is an array of samples with their
 * strings and histograms, in one flat block. It contains offsets instead of pointers, so that a
 * memfd can carry it between two processes that do not trust each other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wgsocks/abi.h>

#define SNAPSHOT_MAGIC 0x77677330u /* "wgs0" */
#define SNAPSHOT_LABELS_MAX 5

enum sample_kind { SAMPLE_UNSIGNED, SAMPLE_FLOAT, SAMPLE_HISTOGRAM };

/* Labels are positional, in the order of the row of the family in the metric table. */
struct sample {
	uint16_t family; /* enum metric */
	uint8_t kind;	 /* enum sample_kind */
	uint8_t label_count;
	uint32_t labels[SNAPSHOT_LABELS_MAX]; /* offsets into the strings */
	union {
		uint64_t u;
		double f;
		uint64_t histogram; /* index */
	} value;
};

/*
 * Counts for each bucket, not cumulative; the last bucket is +Inf. Bounds by id from the ABI. The
 * sum is in nanoseconds.
 */
struct sample_histogram {
	uint32_t bounds; /* enum abi_histogram_bounds */
	uint32_t reserved;
	uint64_t buckets[ABI_HISTOGRAM_BUCKETS];
	uint64_t sum_ns;
};

/*
 * The last minutes of one proxy in equal steps, oldest first, for charts; not part of a family or a
 * scrape. Present only if the request had SNAPSHOT_HISTORY.
 */
#define SNAPSHOT_STEPS 60
#define SNAPSHOT_STEP_SECONDS 5
struct sample_history {
	uint32_t name;			     /* offset of the name of the proxy */
	uint32_t known;			     /* number of known steps, at the end of the arrays */
	uint32_t successful[SNAPSHOT_STEPS]; /* requests with a success reply in the step */
	uint32_t failed[SNAPSHOT_STEPS];     /* requests that ended otherwise */
	uint64_t received[SNAPSHOT_STEPS];   /* inner bytes */
};

/* [header][samples][histograms][histories][strings], in this order; each part is 8-byte aligned. */
struct snapshot_header {
	uint32_t magic;
	uint32_t sample_count;
	uint32_t histogram_count;
	uint32_t history_count;
	uint32_t string_bytes;
	uint32_t reserved;
	uint64_t id;
	uint64_t length; /* of the whole block, in bytes */
};

_Static_assert(sizeof(struct sample) == 32, "samples have no padding");
_Static_assert(sizeof(struct sample_histogram) == 152, "histograms have no padding");
_Static_assert(sizeof(struct sample_history) == 968, "histories have no padding");
_Static_assert(sizeof(struct snapshot_header) == 40, "the header has no padding");

/* Messages on the channel. Messages of another size are dropped. */
struct snapshot_request {
	uint64_t id;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	uint32_t mask;	      /* bits of enum config_collector, and SNAPSHOT_HISTORY */
	uint32_t reserved;
};
#define SNAPSHOT_HISTORY (1u << 31)

struct snapshot_answer {
	uint64_t id;
	uint64_t length; /* of the block in the memfd; 0: failed */
};

/* A builder for snapshots: growing arrays that are reused by the next scrape. Zero-initialise. */
struct snapshot_builder {
	struct sample *samples;
	struct sample_histogram *histograms;
	struct sample_history *histories;
	char *strings;
	uint32_t sample_count, sample_max;
	uint32_t histogram_count, histogram_max;
	uint32_t history_count, history_max;
	uint32_t string_bytes, string_max;
	/* First error: -ENOMEM or -EINVAL; later adds do nothing, snapshot_length returns it */
	int error;
};

/* Clears the builder and its error; keeps the memory. */
void snapshot_reset(struct snapshot_builder *b);
/* Frees the memory; the builder is empty and can be used again. */
void snapshot_free(struct snapshot_builder *b);

/*
 * Copies a string and returns its offset for any number of samples: add a name once, not for each
 * sample. Each byte of invalid UTF-8 becomes U+FFFD.
 */
uint32_t snapshot_string(struct snapshot_builder *b, const char *text);

/*
 * Adds a sample of `family` with as many label offsets as its row has labels (`labels` can be NULL
 * if there are none). A family, kind or label offset that snapshot_open would reject sets the error
 * -EINVAL.
 */
void snapshot_add_unsigned(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			   uint64_t value);
void snapshot_add_float(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			double value);
void snapshot_add_histogram(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			    unsigned int bounds, const struct abi_histogram *histogram);

/*
 * Adds a history; fill it in before adding anything else. NULL on error. `name` is an offset, as in
 * labels.
 */
struct sample_history *snapshot_add_history(struct snapshot_builder *b, uint32_t name);

/* Returns the number of bytes that snapshot_write writes, or -errno. */
int64_t snapshot_length(const struct snapshot_builder *b);
/* Writes these bytes; call only after snapshot_length returned no error. */
void snapshot_write(const struct snapshot_builder *b, uint64_t id, void *block);

/* A checked view of a block of another process. */
struct snapshot {
	const struct sample *samples;
	const struct sample_histogram *histograms;
	const struct sample_history *histories;
	const char *strings;
	uint32_t sample_count, histogram_count, history_count, string_bytes;
};

/*
 * Checks each count, offset, family, kind, label count and terminator of the block, and that
 * strings are UTF-8. Printing then needs no checks, provided that no process writes to the block
 * (otherwise copy it first). `length` can be larger than the block. The block is 8-byte aligned.
 * Returns 0 or -EBADMSG.
 */
int snapshot_open(struct snapshot *s, const void *block, size_t length, uint64_t id);

/* A view of the content of a builder (no copy; valid until the builder changes). */
void snapshot_view(struct snapshot *s, const struct snapshot_builder *b);
