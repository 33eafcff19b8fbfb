"""Power cuts: one life of a room, recorded with every write and flush of its disk; and rooms that are switched
on after the power went at some moment of it.

1. A Recording switches a room on by its firmware, a story is played, and at its end the emulator is killed.
2. What the story saw on the panel stands beside the log as marks: from here on, that has to be kept.
3. A cut takes any entry of the log, loses what a disk may lose (replay.py), and boots what is left.

A recording serves many cuts: each costs one boot.
"""

import multiprocessing
import os
import random
import shutil
from concurrent.futures import ProcessPoolExecutor
from typing import Callable, NamedTuple

import board_virtual
import replay
from board_virtual import until
from conftest import Room, disk_for, switch_on
from monitor import Events

# What a board keeps outside its disk.
VARIABLES, TPM = "firmware-variables.fd", "tpm/tpm2-00.permall"

# A boot after a cut, on an emulated processor. It may have to restart once.
BACK = 1200


class Mark(NamedTuple):
    """From this entry of the log on, the panel of a room that starts again shows this."""

    at: int
    name: str
    shows: Callable


class Beside(NamedTuple):
    """What the board keeps outside its disk, as it was at this entry: TPM, firmware's variables."""

    at: int
    folder: str


class Recording:
    """A room from its first start until its power is cut."""

    def __init__(self, folder, cloud, tap=None):
        os.makedirs(folder)
        self.folder, self.marks, self.beside = folder, [], []
        self.base = disk_for(cloud, folder)
        disk = os.path.join(folder, "recorded.img")
        board_virtual.copy(self.base, disk)
        self.log = os.path.join(folder, "writes.log")
        open(self.log, "wb").close()
        self.disk, self.entries = disk, None
        self.board = switch_on(folder, disk, tap, by="firmware", restarts=True, log=self.log)
        self.room = RecordedRoom(self)
        self.keep_beside()

    def mark(self, name, shows):
        """What stands on the panel now has to be there after a cut from here on."""
        self.keep_beside()
        self.marks.append(Mark(replay.count(self.log), name, shows))

    def keep_beside(self):
        """Copies what is kept outside the disk, when it has changed."""
        now = state_beside(self.folder)
        if self.beside and now == state_beside(self.beside[-1].folder):
            return
        at = replay.count(self.log)
        folder = os.path.join(self.folder, f"beside-{len(self.beside)}")
        copy_beside(self.folder, folder)
        self.beside.append(Beside(at, folder))

    def kill(self):
        """Nobody is asked, nothing is written any more."""
        self.keep_beside()
        board_virtual.kill(self.board)
        os.remove(self.disk)
        self.entries, self.size = replay.read(self.log)

    def remove(self):
        """Nothing is left of it."""
        shutil.rmtree(self.folder)


class RecordedRoom(Room):
    """A room that is looked at while it is recorded."""

    def __init__(self, recording):
        super().__init__(recording.board, recording.folder)
        self.recording = recording

    def look(self, name="last"):
        self.recording.keep_beside()
        return super().look(name)


class Cut(NamedTuple):
    """A cut, and what came of it."""

    phase: str
    at: int
    fate: replay.Fate
    # What the panel shows again; nothing when it does not.
    came_back: str | None
    seconds: float
    restarts: int

    def __str__(self):
        return (
            f"at {self.at} ({self.phase}), after the last flush {self.fate.kept} kept, {self.fate.dropped} dropped, "
            f"{self.fate.torn} torn: {self.came_back or 'nothing'} after {self.seconds:.0f} s, {self.restarts} restarts"
        )


def cut(recording, chance, folder):
    """Cuts the power at some moment, switches the room on again and waits for what its panel has to show."""
    # First between which marks: enrolling writes little, and would hardly ever be met.
    begins = [Mark(1, "first boot", None), *recording.marks]
    ends = [*(mark.at for mark in recording.marks), len(recording.entries)]
    # Nothing was written after a mark that the next one follows at once.
    chosen = chance.choice([each for each, end in enumerate(ends) if end > begins[each].at])
    begin = begins[chosen]
    at = chance.randint(begin.at, ends[chosen])
    fate = replay.fate(recording.entries, at, chance)
    # Until the next mark the room may be what it was, or what it is about to be.
    may_show = [mark for mark in begins[chosen:chosen + 2] if mark.shows]

    if os.path.exists(folder):
        shutil.rmtree(folder)
    os.makedirs(folder)
    disk = os.path.join(folder, "disk.img")
    board_virtual.copy(recording.base, disk)
    replay.write(fate.parts, recording.size, recording.log, disk)
    # Never older than the disk: the TPM knows a key before the disk is locked with it.
    later = next((each for each in recording.beside if each.at >= at), recording.beside[-1])
    # Never newer: a slot is on the disk before the firmware is told to start it.
    earlier = next((each for each in reversed(recording.beside) if each.at <= at), recording.beside[0])
    copy_beside(later.folder, folder, [TPM])
    copy_beside(earlier.folder, folder, [VARIABLES])
    # As many come back at the same time as this machine has processors: one for each.
    board = switch_on(folder, disk, None, by="firmware", restarts=True, processors=1)
    events = Events(os.path.join(folder, "monitor"))
    room = Room(board, folder)

    def came_back():
        shown = room.look()
        return next((mark for mark in may_show if mark.shows(shown)), None)

    names = " or ".join(mark.name for mark in may_show)
    try:
        back = until(f"after a cut at {at} ({begin.name}), the panel shows {names}", BACK, came_back)
    except AssertionError:
        # What fails stays there, to be looked at.
        return Cut(begin.name, at, fate, None, room.since_power_on(), events.restarts())
    else:
        seconds, restarts = room.since_power_on(), events.restarts()
    finally:
        events.close()
        board_virtual.kill(board)
    shutil.rmtree(folder)
    return Cut(begin.name, at, fate, back.name, seconds, restarts)


def state_beside(folder):
    """What is kept outside the disk, to be compared."""
    found = []
    for path in paths_beside(folder):
        with open(path, "rb") as file:
            found.append(file.read())
    return found


def paths_beside(folder, names=(VARIABLES, TPM)):
    """The files that a board keeps outside its disk."""
    return [path for path in (os.path.join(folder, name) for name in names) if os.path.exists(path)]


def copy_beside(folder, to, names=(VARIABLES, TPM)):
    """Copies those files."""
    os.makedirs(os.path.join(to, "tpm"), exist_ok=True)
    for path in paths_beside(folder, names):
        shutil.copy(path, os.path.join(to, os.path.relpath(path, folder)))


def remember(*what):
    """What the cuts of this process are of."""
    global remembered
    remembered = what


def one(index):
    """Each of its own chance, so that one of them can be made again without those before it."""
    recording, seed, folder = remembered
    return cut(recording, random.Random(f"{seed}/{index}"), os.path.join(folder, f"cut-{index}"))


def cuts(recording, folder, number, seed, at_once=os.cpu_count()):
    """Cuts the power in a recording so often; each cut as it came back. They come back so many at the same time."""
    # Processes, because labgrid counts its steps in one place for all threads of one; forked, they have the recording.
    workers = min(number, at_once)
    forked = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, forked, initializer=remember, initargs=(recording, seed, folder)) as pool:
        came = []
        for each in pool.map(one, range(number)):
            came.append(each.came_back)
            yield each
    # Of a cut that nothing came back from, recording and disk stay.
    if all(came):
        recording.remove()
