# SPDX-License-Identifier: Apache-2.0
"""Whether this machine refuses BPF even to root. If so, the virtual machine of tests/env/kernels
runs the tests.
"""

import ctypes
import os
import platform

_BPF_CALL = {"x86_64": 321, "aarch64": 280}
_BPF_MAP_CREATE = 0
_ARRAY = 2
_BTF = "/sys/kernel/btf/vmlinux"


def _make_map():
    """Create the smallest map: 0, or the errno."""
    attributes = (ctypes.c_uint32 * 32)(_ARRAY, 4, 4, 1)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(
        ctypes.c_long(_BPF_CALL.get(platform.machine(), 280)),
        ctypes.c_int(_BPF_MAP_CREATE),
        ctypes.byref(attributes),
        ctypes.c_uint(ctypes.sizeof(attributes)),
    )
    if fd < 0:
        return ctypes.get_errno()
    os.close(fd)
    return 0


def refused():
    """Why this machine refuses BPF, in a few words; None if it does not, or if only root is
    missing.

    WGSOCKS_NO_BPF=1 simulates a refusal, for tests.
    """
    if os.environ.get("WGSOCKS_NO_BPF") == "1":
        return "WGSOCKS_NO_BPF=1"
    if not os.path.exists(_BTF):
        return f"no {_BTF}"
    if os.geteuid() != 0:
        return None
    error = _make_map()
    return f"bpf(): {os.strerror(error)}" if error else None
