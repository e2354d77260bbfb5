# SPDX-License-Identifier: Apache-2.0
"""Finds what the exporter has left in the network namespace and bpffs of a proxy."""

import sys

from sidecar import ROOT


def attached(proxy):
    """The exporter's programs on the interfaces of the proxy: TCX by BPF_PROG_QUERY (bpftool of
    Debian 12 lacks it), clsact by tc.
    """
    programs = proxy.run(
        [sys.executable, str(ROOT / "tests" / "integration" / "tcx_programs.py")]
    ).stdout.split()
    filters = proxy.run(
        [
            "sh",
            "-c",
            (
                "for i in $(ls /sys/class/net); do tc filter show dev $i ingress; "
                "tc filter show dev $i egress; done"
            ),
        ]
    ).stdout
    return programs + [line for line in filters.splitlines() if "wgsocks" in line]


def pins(proxy):
    """Without the entries of the kernel in each bpffs (kernel/bpf/preload)."""
    return proxy.run(["find", "/sys/fs/bpf", "-type", "f", "!", "-name", "*.debug"]).stdout.split()
