"""What a room survives, on the image as it is shipped: one story, in one room. What is done to it is done from
outside: to its cable, to its processors.
"""

import os
import time

import pytest

import gdb
from board_virtual import until
from conftest import Room, disk_for, switch_on
from limits import BOOT, SCREEN
from monitor import Events

# Until both ends of the link have noticed (cloud-link/protocol/src/session.rs), on a busy machine.
NOTICED = 120
# It is dialled once a minute at the latest, and a connection that hangs is given up after a while.
BACK = 300
# Five minutes, in the initial RAM disk (appliance/initramfs/init) and once systemd has it (emulated.conf).
BITES = 600
# How long the network stays away, in seconds: CONCLAVE_HIL_AWAY=3600 is the hour.
AWAY = int(os.environ.get("CONCLAVE_HIL_AWAY", "180"))


@pytest.fixture(scope="module")
def room(cloud, folder):
    """A room that may restart by itself, switched on."""
    folder = os.path.join(folder, "faults")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    board = switch_on(folder, disk, None, restarts=True)
    yield Room(board, folder)
    board.qemu.off()
    os.remove(disk)


def links(cloud):
    """Whether the cloud holds a link with the room."""
    return [each["state"] for each in cloud.rooms() if each["name"] == "Room Gwen"] == ["linked"]


def without_link(shown):
    """Whether the panel says that there is none: in a word below, or in the sentence above with what it does."""
    return any(words in shown for words in ("Not connected", "Trying again", "Connecting"))


def bitten(room, events):
    """Freezes the processors and waits for the watchdog; after how many seconds it has restarted the board."""
    gdb.freeze(os.path.join(room.folder, "gdb"))
    frozen = time.monotonic()
    before = events.restarts()
    until("the watchdog bites", BITES, lambda: events.named("WATCHDOG"))
    took = time.monotonic() - frozen
    until("the board has restarted", SCREEN, lambda: events.restarts() > before)
    return took


def test_a_start_that_stands_still_is_ended_by_the_watchdog(room, cloud, seen):
    events = Events(os.path.join(room.folder, "monitor"))

    def begun():
        with open(os.path.join(room.folder, "serial.log"), "rb") as file:
            said = file.read()
        assert b"systemd" not in said, "too late: systemd has the watchdog already"
        # The kernel says so when the watchdog was let go without being switched off.
        return b"watchdog did not stop" in said

    until("the watchdog ticks in the initial RAM disk", BOOT, begun)
    took = bitten(room, events)
    events.close()
    code = room.shows("an activation code", BOOT, lambda shown: shown.code).code
    cloud.claim(code, "Room Gwen")
    room.shows("Room Gwen", SCREEN)
    seen(f"first start frozen in the initial RAM disk: ended by the watchdog after {took:.0f} s; the next one came up")


def test_a_room_says_that_its_network_is_away_and_comes_back(room, cloud, seen):
    until("the room is linked", SCREEN, lambda: links(cloud))
    cable = {"name": "user", "up": False}
    room.board.qemu.monitor_command("set_link", cable)
    pulled = time.monotonic()
    room.shows("no link", NOTICED, without_link)
    said = time.monotonic() - pulled
    until("the cloud has noticed", NOTICED, lambda: not links(cloud))
    until("the network is away for long enough", AWAY + 60, lambda: time.monotonic() > pulled + AWAY)
    assert without_link(room.look()), room.look().text

    room.board.qemu.monitor_command("set_link", dict(cable, up=True))
    plugged = time.monotonic()
    until("the room is linked again", BACK, lambda: links(cloud))
    room.shows("Connected", SCREEN, lambda shown: "Connected" in shown)
    seen(
        f"network away for {plugged - pulled:.0f} s: said so after {said:.0f} s, "
        f"linked again and saying so {time.monotonic() - plugged:.0f} s after it was back"
    )


def test_a_frozen_kernel_is_restarted_by_the_watchdog(room, cloud, seen):
    events = Events(os.path.join(room.folder, "monitor"))
    took = bitten(room, events)
    restarted = time.monotonic()
    events.close()
    # The frozen picture stood there all the time: what counts is the one after the restart.
    room.shows("anything but the room", SCREEN, lambda shown: "Room Gwen" not in shown)
    room.shows("Room Gwen", BOOT)
    until("the room is linked again", BACK, lambda: links(cloud))
    seen(
        f"kernel frozen: the watchdog restarted the board after {took:.0f} s, the room's name on the panel and the "
        f"link {time.monotonic() - restarted:.0f} s later"
    )
