// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/process/process.h"

void child_bind_to_parent(const struct child *child)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The supervisor may have died before the request; who adopted us then is not the parent that forked us. */
	if (getppid() != child->parent)
		_exit(EXIT_FAILURE);
}
