"""What a room survives, on the image as it is shipped: one story, in one room. What is done to it is done from
outside: to its cable, to its processors.
"""

import os
import time

import pytest

import gdb
from board_virtual import until
from conftest import Room, disk_for, switch_on
from monitor import Events

BOOT = 1800
SCREEN = 300
# Until both ends of the link have noticed (cloud-link/protocol/src/session.rs), on a busy machine.
NOTICED = 120
# It is dialled once a minute at the latest, and a connection that hangs is given up after a while.
BACK = 300
# systemd's watchdog is told every minute (emulated.conf) and bites after two. The i6300esb has two stages.
BITES = 600
# How long the network stays away, in seconds: CONCLAVE_HIL_AWAY=3600 is the hour.
AWAY = int(os.environ.get("CONCLAVE_HIL_AWAY", "180"))


@pytest.fixture(scope="module")
def room(cloud, folder):
    """A room that may restart by itself, enrolled."""
    folder = os.path.join(folder, "faults")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    board = switch_on(folder, disk, None, restarts=True)
    room = Room(board, folder)
    code = room.shows("an activation code", BOOT, lambda shown: shown.code).code
    cloud.command("room", "claim", code, "--name", "Room Cleo")
    room.shows("Room Cleo", SCREEN)
    yield room
    board.qemu.off()
    os.remove(disk)


def links(cloud):
    """Whether the cloud holds a link with the room."""
    return [each["state"] for each in cloud.rooms() if each["name"] == "Room Cleo"] == ["linked"]


def test_a_room_says_that_its_network_is_away_and_comes_back(room, cloud, seen):
    until("the room is linked", SCREEN, lambda: links(cloud))
    cable = {"name": "user", "up": False}
    room.board.qemu.monitor_command("set_link", cable)
    pulled = time.monotonic()
    room.shows("No connection to the cloud", NOTICED)
    said = time.monotonic() - pulled
    until("the cloud has noticed", NOTICED, lambda: not links(cloud))
    until("the network is away for long enough", AWAY + 60, lambda: time.monotonic() > pulled + AWAY)
    assert "No connection to the cloud" in room.look()

    room.board.qemu.monitor_command("set_link", dict(cable, up=True))
    plugged = time.monotonic()
    until("the room is linked again", BACK, lambda: links(cloud))
    room.shows("Connected", SCREEN, lambda shown: "No connection" not in shown and "Connected" in shown)
    seen(
        f"network away for {plugged - pulled:.0f} s: said so after {said:.0f} s, "
        f"linked again and saying so {time.monotonic() - plugged:.0f} s after it was back"
    )


def test_a_frozen_kernel_is_restarted_by_the_watchdog(room, cloud, seen):
    events = Events(os.path.join(room.folder, "monitor"))
    gdb.freeze(os.path.join(room.folder, "gdb"))
    frozen = time.monotonic()
    until("the watchdog bites", BITES, lambda: events.named("WATCHDOG"))
    bitten = time.monotonic()
    # The frozen picture stood there all the time: what counts is the one after the restart.
    until("the board has restarted", SCREEN, lambda: events.named("RESET"))
    room.shows("anything but the room", SCREEN, lambda shown: "Room Cleo" not in shown)
    room.shows("Room Cleo", BOOT)
    until("the room is linked again", BACK, lambda: links(cloud))
    events.close()
    seen(
        f"kernel frozen: the watchdog restarted the board after {bitten - frozen:.0f} s, the room's name on the "
        f"panel and the link {time.monotonic() - bitten:.0f} s later"
    )
