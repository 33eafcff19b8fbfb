"""A room whose clock has lost its battery, in a network that tells no time: its cloud does."""

import os
import time

from board_virtual import until
from conftest import Room, disk_for, switch_on
from limits import BOOT, SCREEN


def today():
    """As the idle panel shows it, but for the weekday; the image's zone is UTC."""
    return time.strftime("%-d %B", time.gmtime())


def test_a_room_whose_clock_says_1970_is_enrolled(folder, cloud, seen):
    folder = os.path.join(folder, "clock")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    board = switch_on(folder, disk, None, clock="1970-01-01T00:00:00")
    room = Room(board, folder)
    try:
        code = room.shows("an activation code", BOOT, lambda shown: shown.code).code
        seen(f"clock in 1970: activation code after {room.since_power_on():.0f} s")
        cloud.claim(code, "Room Emil")
        room.shows("Room Emil", SCREEN)
        linked = {"name": "Room Emil", "state": "linked"}
        until("the room is linked", SCREEN, lambda: any(linked.items() <= each.items() for each in cloud.rooms()))
        room.shows("today's date", SCREEN, lambda shown: today() in shown)
        seen("clock in 1970: enrolled, linked, and the panel shows today's date")
    finally:
        board.qemu.off()
        os.remove(disk)
