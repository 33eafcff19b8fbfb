"""The replay of a power cut, on logs made by hand: no emulator."""

import random

import pytest

import replay
from replay import DISCARD, ENTRY, FLUSH, FUA, HEAD, MAGIC

SIZE = 512
SECTORS = 64
# What the disk held before.
OLD = b"."


def log_of(folder, entries):
    """A log with these entries: (sector, letters, flags), a letter for each sector."""
    path = folder / "log"
    with open(path, "wb") as file:
        file.write(HEAD.pack(MAGIC, 1, len(entries), SIZE).ljust(SIZE, b"\0"))
        for sector, letters, flags in entries:
            file.write(ENTRY.pack(sector, len(letters), flags, 0).ljust(SIZE, b"\0"))
            if not flags & DISCARD:
                file.write(b"".join(letter.encode() * SIZE for letter in letters))
    return path


def disk_after(folder, entries, cut=None, seed=0):
    """The letters on the disk after a cut."""
    log = log_of(folder, entries)
    disk = folder / "disk"
    disk.write_bytes(OLD * SIZE * SECTORS)
    found, size = replay.read(log)
    fate = replay.fate(found, len(found) if cut is None else cut, random.Random(seed))
    replay.write(fate.parts, size, log, disk)
    octets = disk.read_bytes()
    assert len(octets) == SIZE * SECTORS
    sectors = [octets[at * SIZE:(at + 1) * SIZE] for at in range(SECTORS)]
    # A sector is never torn.
    assert all(len(set(sector)) == 1 for sector in sectors)
    return "".join(chr(sector[0]) for sector in sectors), fate


FLUSHED = ("", FLUSH)


def test_what_was_flushed_is_always_there(tmp_path):
    for seed in range(50):
        letters, _ = disk_after(tmp_path, [(3, "abc", 0), (9, "d", 0), (0, *FLUSHED)], seed=seed)
        assert letters.rstrip(".") == "...abc...d"


def test_what_came_after_the_last_flush_is_there_or_not_or_torn(tmp_path):
    entries = [(0, "a", 0), (0, *FLUSHED), (8, "bbbb", 0), (16, "c", 0)]
    seen, fates = set(), set()
    for seed in range(200):
        letters, fate = disk_after(tmp_path, entries, seed=seed)
        assert letters[0] == "a"
        assert fate.kept + fate.dropped + fate.torn == 2
        seen.add((letters[8:12], letters[16]))
        fates.add((fate.kept, fate.dropped, fate.torn))
    assert {("bbbb", "c"), ("bbbb", "."), ("....", "c"), ("....", ".")} <= seen
    assert any(first not in ("bbbb", "....") for first, _ in seen)
    assert (2, 0, 0) in fates and (0, 2, 0) in fates and (1, 0, 1) in fates


def test_of_two_late_writes_to_a_sector_either_may_win(tmp_path):
    entries = [(0, *FLUSHED), (5, "a", 0), (5, "b", 0)]
    assert {disk_after(tmp_path, entries, seed=seed)[0][5] for seed in range(50)} == {".", "a", "b"}


def test_nothing_after_the_cut_is_there_not_even_what_was_flushed_then(tmp_path):
    entries = [(0, "a", 0), (0, *FLUSHED), (1, "b", 0), (0, *FLUSHED)]
    assert disk_after(tmp_path, entries, cut=2)[0].rstrip(".") == "a"


def test_a_write_past_the_cache_is_there_without_a_flush(tmp_path):
    for seed in range(50):
        assert disk_after(tmp_path, [(4, "ff", FUA)], seed=seed)[0].rstrip(".") == "....ff"


def test_discarded_sectors_read_as_zeros(tmp_path):
    letters, _ = disk_after(tmp_path, [(2, "xx", 0), (2, "  ", DISCARD), (0, *FLUSHED)])
    assert letters[1:5] == ".\0\0."


def test_the_same_seed_makes_the_same_cut(tmp_path):
    entries = [(at, "zz", 0) for at in range(0, 40, 2)]
    assert disk_after(tmp_path, entries, seed=7)[0] == disk_after(tmp_path, entries, seed=7)[0]
    assert disk_after(tmp_path, entries, seed=7)[0] != disk_after(tmp_path, entries, seed=8)[0]


def test_a_file_that_is_no_log_is_refused(tmp_path):
    (tmp_path / "log").write_bytes(b"\0" * SIZE)
    with pytest.raises(AssertionError, match="no log of writes"):
        replay.read(tmp_path / "log")
