// SPDX-License-Identifier: Apache-2.0
#include "supervisor/rights.h"

#include <linux/capability.h>

#include "lib/log/log.h"
#include "lib/rights/rights.h"

/*
 * A child has at most what its parent has, and each may have to be started again. So the supervisor, which reads no
 * byte from anyone, keeps what the collector may need, and the collector cuts that down to what its mode and its work
 * take.
 */
static const int capabilities[] = {
	CAP_KILL,   /* its children become nobody's … */
	CAP_SETUID, /* … by these two … */
	CAP_SETGID,
	CAP_SETPCAP,	      /* … and empty their bounding set */
	CAP_NET_BIND_SERVICE, /* a port below 1024 may become free later */
	CAP_BPF,	      /* collector: maps, programs */
	CAP_PERFMON,	      /* tracing programs */
	CAP_NET_ADMIN,	      /* tc, TCX, WireGuard's netlink */
	CAP_NET_BROADCAST,    /* node: link events of all network namespaces */
	CAP_SYS_PTRACE,	      /* node: network namespaces and environment of other processes */
	CAP_SYS_ADMIN,	      /* node: entering network namespaces; mounting bpffs */
	CAP_SYS_RESOURCE,     /* before Linux 5.11: memory of maps counts against RLIMIT_MEMLOCK */
	CAP_DAC_READ_SEARCH,  /* node: descriptors of other users' processes */
	CAP_DAC_OVERRIDE,     /* pins and sockets of other users */
};

void supervisor_limit_rights(void)
{
	int r = rights_keep(capabilities, sizeof(capabilities) / sizeof(*capabilities));

	if (r < 0)
		log_warn("cannot limit capabilities", field_error(r));
}
