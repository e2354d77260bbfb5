# SPDX-License-Identifier: Apache-2.0
"""Medians and their confidence intervals."""

import math
from statistics import median

__all__ = ["interval", "median", "quantile"]


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def interval(values):
    """The 95 % confidence interval of the median.

    It uses only the order of the values, so it holds for every distribution.
    """
    ordered = sorted(values)
    count = len(ordered)
    low = max(0, math.floor(count / 2 - 0.98 * math.sqrt(count)) - 1)
    return ordered[low], ordered[count - 1 - low]
