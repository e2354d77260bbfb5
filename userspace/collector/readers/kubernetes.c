// SPDX-License-Identifier: Apache-2.0
/* The pod that a proxy of a node belongs to. */
#include "collector/proxies/identity.h"
#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

void samples_kubernetes(const struct reading *r, const struct identity *identity, const char *node)
{
	uint32_t labels[5] = { r->name };

	if (!identity->owner.pod_uid[0] || identity->owner.is_nested)
		return;
	labels[1] = snapshot_string(r->to, identity->pod.namespace);
	labels[2] = snapshot_string(r->to, identity->pod.pod);
	labels[3] = snapshot_string(r->to, identity->owner.pod_uid);
	labels[4] = snapshot_string(r->to, node);
	snapshot_add_unsigned(r->to, METRIC_KUBERNETES_INFO, labels, 1);
}
