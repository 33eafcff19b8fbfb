"""A new room's first day, on the image as it is shipped. One story: each test begins where the last ended.

No test asks the room anything behind its back: they look at its panel, touch it, and stand on its network.
"""

import socket

import scan
from board_virtual import until

# An emulated processor on a machine that does other things too.
FIRST_BOOT = 1800
SCREEN = 300
CALL = 600

FOUND = {}


def test_a_cold_boot_ends_with_an_activation_code_on_the_panel(room, seen):
    shown = room.shows("an activation code", FIRST_BOOT, lambda shown: shown.code)
    FOUND["code"] = shown.code
    seen(f"power on to activation code: {room.since_power_on():.0f} s")


def test_the_code_that_was_read_enrols_the_room(room, cloud, seen):
    cloud.command("room", "claim", FOUND["code"], "--name", "Room Ada")
    room.shows("Room Ada", SCREEN)
    names = [each["name"] for each in cloud.rooms()]
    assert names == ["Room Ada"], names
    seen("enrolled over the emulated network with the code read from the screen")


def test_a_port_scan_from_outside_finds_nothing_open(room, tap, seen):
    # First that the scan finds what there is to find: a door of our own.
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as door:
        port = door.getsockname()[1]
        control = scan.tcp("::1", "lo", range(port - 1, port + 2))
    assert control.open == [port] and control.refused == [port - 1, port + 1]

    for address in until("the room is on the wire", SCREEN, lambda: scan.room_on(tap)):
        answers = scan.tcp(address, tap)
        assert not answers.open, f"{address}: {answers.open} are open"
        assert not answers.refused, f"{address}: {answers.refused} tell that somebody is there"
        seen(f"port scan: {answers.tried} TCP ports, none answers")


def test_a_finger_joins_a_meeting_with_its_pin(room, cloud, seen):
    room.join("Board", "2468", CALL)
    seen(f"in the call {room.since_power_on():.0f} s after power on")
    meetings = cloud.command("meeting", "list", "--json")
    assert "4711" in meetings, meetings
