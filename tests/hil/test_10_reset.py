"""The cloud has an enrolled room reset: it shows a receipt, its keys are gone from its disk, and it comes back
as a new room."""

import json
import os
import struct

from board_virtual import until
from conftest import Room, disk_for, switch_on
from limits import BOOT, SCREEN


MIB = 1024 * 1024
# Both headers of LUKS2 with all key slots: data begin behind it.
HEADER_AREA = 16 * MIB
MAGICS = (b"LUKS\xba\xbe", b"SKUL\xba\xbe")


def partition(disk, label):
    """Where a partition lies on the disk, in octets: its first and the one behind its last (UEFI, 5.3.3)."""
    with open(disk, "rb") as file:
        file.seek(512)
        header = file.read(92)
        assert header[:8] == b"EFI PART"
        table, count, size = struct.unpack_from("<QII", header, 72)
        file.seek(table * 512)
        entries = file.read(count * size)
    for at in range(0, len(entries), size):
        first, last = struct.unpack_from("<QQ", entries, at + 32)
        name = entries[at + 56 : at + 128].decode("utf-16-le").rstrip("\0")
        if name == label:
            return first * 512, (last + 1) * 512
    raise AssertionError(f"{disk} has no partition {label}")


def header_area(disk):
    """What stands where the key slots of the data partition are."""
    begin, _ = partition(disk, "conclave-data")
    with open(disk, "rb") as file:
        file.seek(begin)
        return file.read(HEADER_AREA)


def uuid_of(header):
    """The UUID in the first header of LUKS2."""
    assert header.startswith(MAGICS[0]), header[:16]
    return header[168:208].rstrip(b"\0")


def salt_of(header):
    """The salt of the first header's checksum, drawn when it was written."""
    return header[104:168]


def slots_of(area):
    """The sectors behind both headers in which something stands: key slots."""
    sectors = (area[at : at + 512] for at in range(2 * 16 * 1024, len(area), 512))
    return {sector for sector in sectors if any(sector)}


def test_the_cloud_resets_a_room_and_it_comes_back_as_a_new_one(folder, cloud, seen):
    folder = os.path.join(folder, "reset")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    board = switch_on(folder, disk, None, restarts=True)
    room = Room(board, folder)
    try:
        first = room.shows("an activation code", BOOT, lambda shown: shown.code).code
        cloud.claim(first, "Room Cleo")
        room.shows("Room Cleo", SCREEN)
        before = header_area(disk)
        old = uuid_of(before)
        assert before.count(MAGICS[1]) == 1, "the second header"

        asked = room.since_power_on()
        cloud.command("room", "reset", "Room Cleo", "--yes")

        def noted():
            resets = json.loads(cloud.command("room", "resets", "--json"))["resets"]
            return next((each for each in resets if each["name"] == "Room Cleo" and each["told_at"]), None)

        receipt = until("the room tells what it did", SCREEN, noted)
        seen(f"reset: the room's receipt {room.since_power_on() - asked:.0f} s after it was asked for: {receipt}")
        assert receipt["outcome"] == "partition_erased", receipt
        digits = receipt["number"].replace(" ", "")
        room.shows("the receipt's number", SCREEN, lambda shown: shown.says_beside("Receipt", digits))
        room.shows("Everything is erased", SCREEN)

        # The receipt is no promise: nothing that could open the data is on the disk now.
        after = header_area(disk)
        assert after.startswith(b"conclave-reset")
        assert after[4096:] == bytes(HEADER_AREA - 4096), "the rest of the area is empty"
        assert old not in after and not any(magic in after for magic in MAGICS)
        begin, end = partition(disk, "conclave-key")
        with open(disk, "rb") as file:
            file.seek(begin)
            assert file.read(end - begin) == bytes(end - begin), "the key partition is empty"
        mine = [each for each in cloud.rooms() if each["name"] == "Room Cleo"]
        assert [each["state"] for each in mine] == ["revoked"], mine

        # By itself: nobody touches it.
        fresh = room.shows(
            "a new activation code", BOOT,
            lambda shown: shown.code and shown.code != first and "Add this room" in shown,
        )
        seen(f"reset: a new room {room.since_power_on() - asked:.0f} s after it was asked for")
        made = header_area(disk)
        # The UUID is made of the machine's id and stays; what opens the data does not.
        assert uuid_of(made) == old and salt_of(made) != salt_of(before)
        assert slots_of(made) and not slots_of(made) & slots_of(before)
        cloud.claim(fresh.code, "Room Cleo")
        room.shows("Room Cleo", SCREEN)
        states = [each["state"] for each in cloud.rooms() if each["name"] == "Room Cleo"]
        assert sorted(states) == ["linked", "revoked"], states
    finally:
        board.qemu.off()
        os.remove(disk)
