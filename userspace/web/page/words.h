/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, and how it is known, in words. No HTML here. */
#pragma once

#include "web/page/model.h"

enum page_level {
	PAGE_GOOD,
	PAGE_WARNING, /* it works, but somebody should look */
	PAGE_TROUBLE, /* users suffer */
	PAGE_LEVELS
};

struct page_reason {
	enum page_level level;
	const char *brief;   /* two or three words, for a row */
	const char *runbook; /* its page below docs/runbooks, without .md; NULL: none */
	struct text text;    /* a sentence or two */
};

#define PAGE_REASONS_MAX 12

/*
 * When requests fail, as the alert ProxyRequestsFailing judges it (tests/integration/test_rules.py
 * compares): of fewer failures in five minutes a share says nothing.
 */
#define PAGE_FAILED_MIN 20
#define PAGE_FAILED_SHARE 0.25

/* The worst comes first. Zero-initialise before each use; words_free gives the texts back. */
struct page_reasons {
	struct page_reason reasons[PAGE_REASONS_MAX];
	unsigned int count;
};

/* What is wrong with a proxy; time_s: since the Unix epoch. */
void words_proxy(struct page_reasons *reasons, const struct page_proxy *p, uint64_t time_s);

/*
 * What is wrong with the exporter; silent_s: since when the collector has not been heard of, when
 * it gave no answer.
 */
void words_exporter(struct page_reasons *reasons, const struct page_model *m, uint64_t silent_s);

void words_free(struct page_reasons *reasons);

/* The worst of them. */
enum page_level words_level(const struct page_reasons *reasons);

/* "Trouble", "Look", "Works". */
const char *words_level_name(enum page_level level);

/* How a proxy does, in two or three words: the first reason's, or how it works. */
const char *words_brief(const struct page_reasons *reasons, const struct page_proxy *p);

/* "up", "not used yet", … and a sentence that says what it means. */
const char *words_tunnel(enum tunnel_state state);
const char *words_tunnel_meaning(enum tunnel_state state);

/* Names of collectors, with commas between them. */
void words_collectors(struct text *out, uint32_t collectors);
