"""`cargo xtask hil --power-cuts N`: cuts the power N times and adds what came back to docs/power-cuts.md: of the first
day of a room, then of the day of an update, in turn.
"""

import os
import random
import sys

import power
from cloud import Cloud

# Cuts of one recording: then another life is recorded, with other moments in it.
OF_ONE = 25
# Rooms that come back at the same time.
AT_ONCE = os.cpu_count()

PAGE = """# Power cuts of the virtual board

Written by `cargo xtask hil --power-cuts N`, which adds N lines; do not edit. Two days of a room are recorded with every
write and flush of its disk. Its first: its first start, an activation code, its enrolment, a call, another language. And
that of an update: fetched, written to the other slot, started there, kept. A cut takes a random entry of such a log.
Everything up to the last flush before it is kept; of the writes after it some are kept, some dropped, some torn (a part
of their sectors). Then the room is switched on with that disk, and its panel has to show what it had shown before the
cut, or what was being changed at that moment. How it is done: [tests/hil/power.py](../tests/hil/power.py),
[tests/hil/replay.py](../tests/hil/replay.py).

| seed | when: what the panel had shown | entry of the log | kept | dropped | torn | what came back | after | restarts by itself |
| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |
"""


def row(seed, index, cut):
    """One line of the table."""
    fate = cut.fate
    return (
        f"| {seed}/{index} | {cut.phase} | {cut.at} | {fate.kept} | {fate.dropped} | {fate.torn} | {cut.came_back} | "
        f"{cut.seconds:.0f} s | {cut.restarts} |"
    )


def main(number, seed):
    """Cuts so often; each line is written as soon as it is known."""
    folder = os.environ["CONCLAVE_HIL_FOLDER"]
    page = os.environ["CONCLAVE_HIL_PAGE"]
    cloud = Cloud(folder)
    cloud.command("vmr", "create", "--number", "4711", "--name", "Board", "--pin", "2468")
    if not os.path.exists(page):
        with open(page, "w") as file:
            file.write(PAGE)
    try:
        for turn, begin in enumerate(range(0, number, OF_ONE)):
            day = power.update_day if turn % 2 else power.first_day
            some = min(OF_ONE, number - begin)
            for index, cut in enumerate(power.cuts(folder, cloud, some, seed + turn, day, AT_ONCE)):
                line = row(seed + turn, index, cut)
                print(line, flush=True)
                with open(page, "a") as file:
                    file.write(line + "\n")
    finally:
        cloud.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32))
