/* SPDX-License-Identifier: Apache-2.0 */
/* Describes problems of proxies and of the exporter as plain text, without HTML. */
#pragma once

#include "web/page/model.h"

enum page_level {
	PAGE_GOOD,
	PAGE_WARNING, /* the proxy works, but needs attention */
	PAGE_TROUBLE, /* clients of the proxy are affected */
	PAGE_LEVELS
};

struct page_reason {
	enum page_level level;
	const char *brief;   /* two or three words, for a row of the table */
	const char *runbook; /* file name in docs/runbooks, without .md; NULL: none */
	struct text text;    /* one to three sentences */
};

#define PAGE_REASONS_MAX 12

/*
 * The thresholds of the alert ProxyRequestsFailing (tests/integration/test_rules.py compares them):
 * more than this share of the requests failed in five minutes, and at least PAGE_FAILED_MIN did.
 */
#define PAGE_FAILED_MIN 20
#define PAGE_FAILED_SHARE 0.25

/* Worst reason first. Zero-initialise before each use; words_free frees the texts. */
struct page_reasons {
	struct page_reason reasons[PAGE_REASONS_MAX];
	unsigned int count;
};

/* Adds the problems of a proxy. time_s: now, seconds since the Unix epoch. */
void words_proxy(struct page_reasons *reasons, const struct page_proxy *p, uint64_t time_s);

/*
 * Adds the problems of the exporter. silent_s: seconds since the collector's last heartbeat, used
 * if it did not answer.
 */
void words_exporter(struct page_reasons *reasons, const struct page_model *m, uint64_t silent_s);

void words_free(struct page_reasons *reasons);

/* The worst level; PAGE_GOOD without reasons. */
enum page_level words_level(const struct page_reasons *reasons);

/* "Problem", "Attention", "OK". */
const char *words_level_name(enum page_level level);

/* The state of a proxy in two or three words: that of the first reason, else how it works. */
const char *words_brief(const struct page_reasons *reasons, const struct page_proxy *p);

/* "up", "unused", … and a phrase that explains the state. */
const char *words_tunnel(enum tunnel_state state);
const char *words_tunnel_meaning(enum tunnel_state state);

/* Appends the names of collectors (bits of enum config_collector), separated by commas. */
void words_collectors(struct text *out, uint32_t collectors);
