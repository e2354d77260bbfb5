# SPDX-License-Identifier: Apache-2.0
"""What test_demo.py still asks for; goes with it."""

import pytest
from checks import equal

__all__ = ["Skip", "case", "equal", "run_cases"]
Skip = pytest.skip.Exception


def case(function):
    return function


def run_cases():
    raise SystemExit(pytest.main(["-q", "tests/integration/test_demo.py"]))
