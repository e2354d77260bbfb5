# SPDX-License-Identifier: Apache-2.0
"""build/traffic, run on the clients' side."""


class Traffic:
    pass
