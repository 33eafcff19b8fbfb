"""The power goes at random moments of a room's first day: it comes back, and nothing that its panel had shown is
lost. `cargo xtask hil --power-cuts N` makes more of them and writes docs/power-cuts.md.
"""

import os
import random

import power

# How many, and the seed that makes the same choices again.
CUTS = int(os.environ.get("CONCLAVE_HIL_CUTS", "3"))
SEED = int(os.environ.get("CONCLAVE_HIL_SEED") or random.randrange(1 << 32))


def test_a_room_comes_back_after_its_power_was_cut(folder, cloud, seen):
    seen(f"power cuts with the seed {SEED}:")
    for cut in power.cuts(folder, cloud, CUTS, SEED):
        seen(
            f"cut at {cut.at} ({cut.phase}), after the last flush {cut.fate.kept} kept, {cut.fate.dropped} dropped, "
            f"{cut.fate.torn} torn: {cut.came_back} after {cut.seconds:.0f} s, {cut.restarts} restarts"
        )
