"""`cargo xtask hil --power-cuts N`: cuts the power N times, at random moments of a room's first days, and adds what came
back to docs/power-cuts.md.
"""

import os
import random
import sys
import time

import power
import story
from board_virtual import until
from cloud import Cloud
from limits import SCREEN, UPDATE

# Cuts of one recording: then another life is recorded, with other moments in it.
OF_ONE = 100

PAGE = """# Power cuts of the virtual board

Written by `cargo xtask hil --power-cuts N`, which adds N lines; do not edit. A room's life is recorded with every write
and flush of its disk: its first start, an activation code, its enrolment, a call, another language, an update that is
fetched, written to the other slot, started there and kept. A cut takes a random entry of such a log, as often within
each of these parts. Everything up to the last flush before it is kept; of the writes after it some are kept, some
dropped, some torn (a part of their sectors). Then the room is switched on with that disk, and its panel has to show what
it had shown before the cut, or what was being changed at that moment. Its TPM is as it was then or a moment later, its
firmware's variables as they were then or a moment earlier (of the seed 3367738985 a moment later, too: a slot that was
half written was started, and given up after five starts). How it is done: [tests/hil/power.py](../tests/hil/power.py),
[tests/hil/replay.py](../tests/hil/replay.py).

| seed | when: what the panel had shown | entry of the log | kept | dropped | torn | what came back | after | restarts by itself |
| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |
"""


def row(seed, index, cut):
    """One line of the table."""
    fate = cut.fate
    return (
        f"| {seed}/{index} | {cut.phase} | {cut.at} | {fate.kept} | {fate.dropped} | {fate.torn} | "
        f"{cut.came_back or 'nothing'} | {cut.seconds:.0f} s | {cut.restarts} |"
    )


def live(recording, cloud, name):
    """The story that is recorded. Each mark is what has to be there from then on."""
    room = recording.room
    code = story.shows_its_code(room)
    recording.mark("an activation code", lambda shown: shown.code)
    story.enrol(room, cloud, code, name)
    # A person believes what has stood there for two seconds.
    room.rests(SCREEN, looks=2)
    recording.mark("its name", lambda shown: name in shown)
    story.join(room, cloud)
    room.leave()
    room.shows(name, SCREEN)
    room.board.touch(*until("the key Français", SCREEN, lambda: story.french(room.look())))
    room.shows("Salles", SCREEN)
    room.rests(SCREEN, looks=2)
    in_french = lambda shown: name in shown and "Salles" in shown
    recording.mark("its name, in French", in_french)
    cloud.command("room", "follow", name, "--window", "00:00-00:00")
    version = story.release(cloud, "CONCLAVE_HIL_NEXT")
    ended = story.update(room, cloud, name, version, UPDATE, print)
    assert ended["standing"] == "committed", ended
    room.shows("Salles", SCREEN)
    recording.mark("its name, in French, updated", in_french)
    end = time.monotonic() + random.uniform(5, 60)
    until("the power goes", 90, lambda: room.look() and time.monotonic() > end)
    recording.kill()


def main(number, seed):
    """Cuts so often; each line is written as soon as it is known. Ends with an error when a room did not come back."""
    folder = os.environ["CONCLAVE_HIL_FOLDER"]
    page = os.environ["CONCLAVE_HIL_PAGE"]
    cloud = Cloud(folder)
    cloud.command("vmr", "create", "--number", "4711", "--name", "Board", "--pin", "2468")
    if not os.path.exists(page):
        with open(page, "w") as file:
            file.write(PAGE)
    lost = []
    try:
        for turn, begin in enumerate(range(0, number, OF_ONE)):
            some = min(OF_ONE, number - begin)
            recording = power.Recording(os.path.join(folder, f"recorded-{seed + turn}"), cloud)
            live(recording, cloud, f"Room {seed + turn}")
            for index, cut in enumerate(power.cuts(recording, folder, some, seed + turn)):
                line = row(seed + turn, index, cut)
                print(line, flush=True)
                with open(page, "a") as file:
                    file.write(line + "\n")
                if not cut.came_back:
                    lost.append(f"{seed + turn}/{index}")
    finally:
        cloud.stop()
    if lost:
        sys.exit(f"These rooms did not come back; their disks are left: {', '.join(lost)}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32))
