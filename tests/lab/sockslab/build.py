# SPDX-License-Identifier: Apache-2.0
"""Builds the C programs of the lab."""

import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("LAB_BUILD", os.path.join(ROOT, "build"))


def program(name):
    """Path of build/<name> ("traffic" or "target"), built first if it is missing."""
    path = os.path.join(BUILD, name)
    if not os.path.exists(path):
        subprocess.run(["make", "-s", "-C", ROOT, f"BUILD={BUILD}", path], check=True)
    return path
