# SPDX-License-Identifier: Apache-2.0
"""A lab of real SOCKS proxies behind real WireGuard tunnels; see ../README.md."""

from .light import LightProxies
from .root import enter
from .traffic import Traffic
from .wait import PATIENCE, LabError, wait_until
from .world import Lab

__all__ = ["PATIENCE", "Lab", "LabError", "LightProxies", "Traffic", "enter", "wait_until"]
