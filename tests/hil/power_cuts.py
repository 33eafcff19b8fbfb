"""`cargo xtask hil --power-cuts N`: cuts the power N times and writes down what came back, in docs/power-cuts.md."""

import os
import random
import sys

import power
from cloud import Cloud

# Cuts of one recording: then another life is recorded, with other moments in it.
OF_ONE = 20

PAGE = """# Power cuts of the virtual board

Written by `cargo xtask hil --power-cuts {number} --seed {seed}`; do not edit. A room's first day is recorded with every
write and flush of its disk: its first start, an activation code, its enrolment, a call, another language. A cut takes a
random entry of that log. Everything up to the last flush before it is kept; of the writes after it some are
kept, some dropped, some torn (a part of their sectors). Then the room is switched on with that disk, and its panel has
to show what it had shown before the cut, or what was being changed at that moment. How it is done:
[tests/hil/power.py](../tests/hil/power.py), [tests/hil/replay.py](../tests/hil/replay.py).

| cut | when: what the panel had shown | entry of the log | kept | dropped | torn | what came back | after | restarts by itself |
| ---: | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |
"""


def row(index, cut):
    """One line of the table."""
    fate = cut.fate
    return (
        f"| {index} | {cut.phase} | {cut.at} | {fate.kept} | {fate.dropped} | {fate.torn} | {cut.came_back} | "
        f"{cut.seconds:.0f} s | {cut.restarts} |"
    )


def main(number, seed):
    """Cuts so often; each line is written as soon as it is known."""
    folder = os.environ["CONCLAVE_HIL_FOLDER"]
    page = os.environ["CONCLAVE_HIL_PAGE"]
    cloud = Cloud(folder)
    cloud.command("vmr", "create", "--number", "4711", "--name", "Board", "--pin", "2468")
    print(f"power cuts with the seed {seed}", flush=True)
    with open(page, "w") as file:
        file.write(PAGE.format(number=number, seed=seed))
    try:
        for begin in range(0, number, OF_ONE):
            cuts = power.cuts(folder, cloud, min(OF_ONE, number - begin), seed + begin // OF_ONE)
            for index, cut in enumerate(cuts, begin + 1):
                print(row(index, cut), flush=True)
                with open(page, "a") as file:
                    file.write(row(index, cut) + "\n")
    finally:
        cloud.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32))
