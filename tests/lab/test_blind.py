# SPDX-License-Identifier: Apache-2.0
"""The detector of hidden transitions reports nothing while it sees all, and reports while it is
detached.
"""

import pytest
from blind import Blind
from checks import equal
from sockslab import wait_until

pytestmark = [pytest.mark.in_lab, pytest.mark.in_order]  # a separate detector


@pytest.fixture(scope="module")
def witness(lab):
    with Blind() as made:
        yield made


def test_silent_while_it_sees_all(lab, witness):
    # Repeated: if the kernel really hides something, the report is right.
    def quiet(seed):
        witness.begin()
        lab.traffic("40 connect", "10 refused", "5 abort", "5 leaveconnect rst", seed=seed).finish()
        wait_until(
            lambda: not any(vars(lab.proxies[0].ss()).values()), 30, "the sockets to be gone"
        )
        return wait_until(lambda: not witness.why(lab), 2, "silence")

    equal(any(quiet(seed) for seed in (1, 2)), True, "silent")


def test_tells_when_both_copies_were_kept_away(lab, witness):
    witness.begin()
    traffic = lab.traffic("20 hold", seed=3)
    traffic.wait_quiet()
    witness.stop()
    traffic.release()
    traffic.kill()
    wait_until(lambda: not any(vars(lab.proxies[0].ss()).values()), 30, "the sockets to be gone")
    equal("never ended" in (witness.why(lab) or ""), True, "told")
