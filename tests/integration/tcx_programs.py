#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints INTERFACE/DIRECTION/ID of each TCX program in the current network namespace
(BPF_PROG_QUERY, include/uapi/linux/bpf.h).
"""

import ctypes
import os
import platform
import socket
import struct

BPF_PROG_QUERY = 16
SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]
DIRECTIONS = {46: "ingress", 47: "egress"}

libc = ctypes.CDLL(None, use_errno=True)
for index, name in socket.if_nameindex():
    for kind, direction in DIRECTIONS.items():
        ids = (ctypes.c_uint32 * 64)()
        attributes = ctypes.create_string_buffer(
            struct.pack("=IIIIQI", index, kind, 0, 0, ctypes.addressof(ids), len(ids)), 128
        )
        if libc.syscall(SYSCALL, BPF_PROG_QUERY, attributes, len(attributes)) == 0:
            count = struct.unpack_from("=I", attributes, 24)[0]
            for program in ids[:count]:
                print(f"{name}/{direction}/{program}")
        elif ctypes.get_errno() != 22:  # before 6.6
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
