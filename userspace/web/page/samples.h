/* SPDX-License-Identifier: Apache-2.0 */
/* Copies single samples into the model. */
#pragma once

#include "lib/metrics/metrics.h"
#include "web/page/model.h"

/* Adds a count to the list; counts of 0 are skipped. `what` must outlive the list. */
void page_top_add(struct page_top *top, const char *what, uint64_t count);

/* Whether the first label of its family is proxy_name. */
bool samples_of_proxy(const struct sample *sample);

/*
 * Take one sample of this proxy, or of the exporter. `sample` must not be a histogram. Families
 * that the page does not show are ignored.
 */
void samples_take_proxy(struct page_proxy *p, const struct snapshot *s,
			const struct sample *sample);
void samples_take_exporter(struct page_exporter *e, const struct snapshot *s,
			   const struct sample *sample);
