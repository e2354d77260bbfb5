/* SPDX-License-Identifier: Apache-2.0 */
/* One sample to its place in the model. */
#pragma once

#include "lib/metrics/metrics.h"
#include "web/page/model.h"

/* Counts something by name. */
void page_top_add(struct page_top *top, const char *what, uint64_t count);

/* Whether its first label is a proxy's name. */
bool samples_of_proxy(const struct sample *sample);

/*
 * `sample` is no histogram, and of this proxy; or of the exporter. Families that the page does not
 * show are passed over.
 */
void samples_take_proxy(struct page_proxy *p, const struct snapshot *s,
			const struct sample *sample);
void samples_take_exporter(struct page_exporter *e, const struct snapshot *s,
			   const struct sample *sample);
