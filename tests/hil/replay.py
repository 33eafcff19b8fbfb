"""What a power cut leaves on a disk: from the log of its writes and flushes, and a seed.

A disk may keep what it is told in a cache of its own, and write it in any order, until it is told to flush. So
of a cut at some entry of the log,

1. everything up to the last flush before it is on the disk;
2. each write after that flush is there, is not, or is there in part: whole sectors of it;
3. nothing after the cut is.

Pure but for the files that it is given. The log is QEMU's (blklogwrites), in the format of Linux's dm-log-writes
(Documentation/admin-guide/device-mapper/log-writes.rst): a head of one sector, then for each entry a sector
that says what it is, and its octets.

    head    u64 magic, u64 version, u64 entries, u32 octets in a sector
    entry   u64 sector, u64 sectors, u64 flags, u64 octets of a mark; little-endian, like the head
"""

import os
import struct
from typing import NamedTuple

MAGIC = 0x6A736677736872
HEAD = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")
FLUSH, FUA, DISCARD = 1, 2, 4
# Octets that are written at a time.
PIECE = 4 * 1024 * 1024


class Entry(NamedTuple):
    """One thing that the disk was told."""

    sector: int
    sectors: int
    flags: int
    # Where its octets stand in the log.
    place: int

    @property
    def writes(self):
        """Whether it changes the disk."""
        return self.sectors > 0


class Part(NamedTuple):
    """What came of one entry: these of its sectors, counted from its first, are on the disk."""

    entry: Entry
    begin: int
    end: int


class Fate(NamedTuple):
    """What a cut left."""

    parts: list
    kept: int
    dropped: int
    torn: int


def count(log):
    """How many entries there are by now."""
    with open(log, "rb") as file:
        head = file.read(HEAD.size)
    return HEAD.unpack(head)[2] if len(head) == HEAD.size else 0


def read(log):
    """The entries of a log, and the octets in a sector."""
    entries = []
    with open(log, "rb") as file:
        magic, version, number, size = HEAD.unpack(file.read(HEAD.size))
        assert (magic, version) == (MAGIC, 1), f"{log} is no log of writes: {magic:x}, {version}"
        place = size
        for _ in range(number):
            file.seek(place)
            sector, sectors, flags, marked = ENTRY.unpack(file.read(ENTRY.size))
            entries.append(Entry(sector, sectors, flags, place + size))
            octets = 0 if flags & DISCARD else sectors * size + marked
            place += size + -(-octets // size) * size
    return entries, size


def fate(entries, cut, chance):
    """What becomes of the first `cut` entries when the power goes then; `chance` is a random.Random."""
    told = entries[:cut]
    flushes = [at for at, entry in enumerate(told) if entry.flags & FLUSH]
    safe = flushes[-1] if flushes else -1
    sure, late, kept, dropped, torn = [], [], 0, 0, 0
    # Cuts differ in how much a disk still managed to write: nearly nothing, or nearly all.
    luck = chance.random()
    for at, entry in enumerate(told):
        if not entry.writes:
            continue
        if at <= safe or entry.flags & FUA:
            sure.append(Part(entry, 0, entry.sectors))
        elif entry.sectors > 1 and chance.random() < 0.2:
            begin = chance.randrange(entry.sectors)
            end = chance.randrange(begin + 1, entry.sectors + 1)
            whole = (begin, end) == (0, entry.sectors)
            late.append(Part(entry, begin, end))
            kept, torn = kept + whole, torn + (not whole)
        elif chance.random() < luck:
            late.append(Part(entry, 0, entry.sectors))
            kept += 1
        else:
            dropped += 1
    # They may be written in any order: where two touch one sector, either may win.
    chance.shuffle(late)
    return Fate(sure + late, kept, dropped, torn)


def write(parts, size, log, disk):
    """Writes them onto a copy of the disk as it was when the log began."""
    with open(log, "rb") as source, open(disk, "r+b") as target:
        for entry, begin, end in parts:
            # In pieces: a new partition is zeroed by one entry of a gigabyte.
            for at in range(begin * size, end * size, PIECE):
                length = min(PIECE, end * size - at)
                if entry.flags & DISCARD:
                    octets = bytes(length)
                else:
                    source.seek(entry.place + at)
                    octets = source.read(length)
                    assert len(octets) == length, f"the log ends within the entry at {entry.place}"
                place = entry.sector * size + at
                # What is a hole stays one.
                if octets == bytes(length):
                    target.seek(place)
                    if target.read(length) == octets:
                        continue
                target.seek(place)
                target.write(octets)
