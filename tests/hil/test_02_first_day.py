"""A new room's first day, on the image as it is shipped. One story: each test begins where the last ended.

No test asks the room anything behind its back: they look at its panel, touch it, and stand on its network.
"""

import story

FOUND = {}


def test_a_cold_boot_ends_with_an_activation_code_on_the_panel(room, seen):
    FOUND["code"] = story.shows_its_code(room)
    seen(f"power on to activation code: {room.since_power_on():.0f} s")


def test_the_code_that_was_read_enrols_the_room(room, cloud, seen):
    story.enrol(room, cloud, FOUND["code"], "Room Ada")
    names = [each["name"] for each in cloud.rooms()]
    assert names == ["Room Ada"], names
    seen("enrolled over the emulated network with the code read from the screen")


def test_a_port_scan_from_outside_finds_nothing_open(room, tap, seen):
    story.scan_ports(tap, seen)


def test_a_finger_joins_a_meeting_with_its_pin(room, cloud, seen):
    story.join(room, cloud)
    seen(f"in the call {room.since_power_on():.0f} s after power on")
