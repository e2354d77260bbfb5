# SPDX-License-Identifier: Apache-2.0
"""What of ours is in a proxy's network namespace and in its bpffs."""

import sys

from sidecar import ROOT


def attached(proxy):
    """Our programs on the proxy's interfaces: TCX by BPF_PROG_QUERY (bpftool of Debian 12 does not know it), clsact by tc."""
    programs = proxy.run([sys.executable, str(ROOT / "tests" / "integration" / "tcx_programs.py")]).stdout.split()
    filters = proxy.run(["sh", "-c", "for i in $(ls /sys/class/net); do tc filter show dev $i ingress; tc filter show dev $i egress; done"]).stdout
    return programs + [line for line in filters.splitlines() if "wgsocks" in line]


def pins(proxy):
    """Without what the kernel itself puts into each bpffs (kernel/bpf/preload)."""
    return proxy.run(["find", "/sys/fs/bpf", "-type", "f", "!", "-name", "*.debug"]).stdout.split()
