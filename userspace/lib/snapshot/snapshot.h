/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neutral form between reading and printing: a snapshot is an array of samples with their
 * strings and histograms, in one flat block, so that it can lie in a memfd between two processes
 * that do not trust each other. No pointer inside: offsets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wgsocks/abi.h>

#define SNAPSHOT_MAGIC 0x77677330u /* "wgs0" */
#define SNAPSHOT_LABELS_MAX 5

enum sample_kind { SAMPLE_UNSIGNED, SAMPLE_FLOAT, SAMPLE_HISTOGRAM };

/* Labels are positional: those of the family's row in the metric table, in that order. */
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
 * Per bucket, not cumulative; the last bucket is +Inf. Bounds by id from the ABI. Sum in
 * nanoseconds.
 */
struct sample_histogram {
	uint32_t bounds; /* enum abi_histogram_bounds */
	uint32_t reserved;
	uint64_t buckets[ABI_HISTOGRAM_BUCKETS];
	uint64_t sum_ns;
};

/*
 * The last minutes of one proxy in equal steps, oldest first, for whoever draws them; in no family
 * and in no scrape. Only in a snapshot that was asked for with SNAPSHOT_HISTORY.
 */
#define SNAPSHOT_STEPS 60
#define SNAPSHOT_STEP_SECONDS 5
struct sample_history {
	uint32_t name;			     /* offset of the proxy's name */
	uint32_t known;			     /* so many of the steps, the last ones */
	uint32_t successful[SNAPSHOT_STEPS]; /* requests that ended in the step … */
	uint32_t failed[SNAPSHOT_STEPS];     /* … and those that ended otherwise */
	uint64_t received[SNAPSHOT_STEPS];   /* inner bytes */
};

/* [header][samples][histograms][histories][strings], in this order, each part 8-byte aligned. */
struct snapshot_header {
	uint32_t magic;
	uint32_t sample_count;
	uint32_t histogram_count;
	uint32_t history_count;
	uint32_t string_bytes;
	uint32_t reserved;
	uint64_t id;
	uint64_t length; /* of the whole block */
};

_Static_assert(sizeof(struct sample) == 32, "samples follow each other without padding");
_Static_assert(sizeof(struct sample_histogram) == 152, "histograms too");
_Static_assert(sizeof(struct sample_history) == 968, "histories too");
_Static_assert(sizeof(struct snapshot_header) == 40, "and the header");

/* The messages on the channel: exactly this many bytes, else dropped. */
struct snapshot_request {
	uint64_t id;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	uint32_t mask;	      /* bits of enum config_collector, and SNAPSHOT_HISTORY */
	uint32_t reserved;
};
#define SNAPSHOT_HISTORY (1u << 31)

struct snapshot_answer {
	uint64_t id;
	uint64_t length; /* of the block in the memfd; 0: nothing could be read */
};

/*
 * A snapshot in the making: growing arrays of its own, kept for reuse between scrapes.
 * Zero-initialise.
 */
struct snapshot_builder {
	struct sample *samples;
	struct sample_histogram *histograms;
	struct sample_history *histories;
	char *strings;
	uint32_t sample_count, sample_max;
	uint32_t histogram_count, histogram_max;
	uint32_t history_count, history_max;
	uint32_t string_bytes, string_max;
	int error; /* the first: -ENOMEM, -EINVAL; adding is then a no-op, snapshot_length returns
		      it */
};

/* Empties it, an error too; the memory is kept. */
void snapshot_reset(struct snapshot_builder *b);
/* Gives the memory back; the builder is empty and can be used again. */
void snapshot_free(struct snapshot_builder *b);

/*
 * Copies a string in, returns its offset, to be used for any number of samples: add a name once,
 * not for each sample. Invalid UTF-8 becomes U+FFFD, a byte at a time.
 */
uint32_t snapshot_string(struct snapshot_builder *b, const char *text);

/*
 * Adds a sample of `family` with as many label offsets as its row has labels (`labels` may be NULL
 * when that is none). A family, a kind or a label offset that snapshot_open would not take sets the
 * error -EINVAL.
 */
void snapshot_add_unsigned(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			   uint64_t value);
void snapshot_add_float(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			double value);
void snapshot_add_histogram(struct snapshot_builder *b, unsigned int family, const uint32_t *labels,
			    unsigned int bounds, const struct abi_histogram *histogram);

/*
 * Adds a history, to be filled in before anything else is added; NULL on an error. `name`: as a
 * label.
 */
struct sample_history *snapshot_add_history(struct snapshot_builder *b, uint32_t name);

/* Bytes that snapshot_write will write, or -errno. */
int64_t snapshot_length(const struct snapshot_builder *b);
/* Writes that many bytes, to be called only when snapshot_length was not negative. */
void snapshot_write(const struct snapshot_builder *b, uint64_t id, void *block);

/* A checked view of a block that another process wrote. */
struct snapshot {
	const struct sample *samples;
	const struct sample_histogram *histograms;
	const struct sample_history *histories;
	const char *strings;
	uint32_t sample_count, histogram_count, history_count, string_bytes;
};

/*
 * Checks every count, offset, family, kind, label count and terminator of the block, and that its
 * strings are UTF-8: afterwards it can be printed without a check, as long as nobody writes to it
 * (copy it first if that cannot be ruled out). `length` may be larger than the block. The block is
 * 8-byte aligned. Returns 0 or -EBADMSG.
 */
int snapshot_open(struct snapshot *s, const void *block, size_t length, uint64_t id);

/* A view of a builder's own content (no copy; valid until the builder changes). */
void snapshot_view(struct snapshot *s, const struct snapshot_builder *b);
