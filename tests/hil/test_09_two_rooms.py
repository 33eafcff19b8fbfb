"""Two rooms in a meeting: one emulated, with the image as it is shipped, and one outside, which sees its camera and
hears its microphone.
"""

import os

import pytest
from board_virtual import until
from conftest import Room, disk_for, switch_on
from limits import BOOT, SCREEN
from second_room import SecondRoom
from sound import Sound, loudness, speaks

# Five pictures a second at best, and the first whole one may be lost.
MEDIA = 300


@pytest.fixture(scope="module")
def rooms(cloud, folder):
    """The emulated room with its sound, and the one outside, both enrolled."""
    folder = os.path.join(folder, "two")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    with Sound(folder) as sound:
        board = switch_on(folder, disk, None, besides=sound.words())
        room, second = Room(board, folder), SecondRoom(cloud, folder)
        second.enrol(cloud, "Room Outside")
        code = room.shows("an activation code", BOOT, lambda shown: shown.code).code
        cloud.claim(code, "Room Eve")
        room.shows("Room Eve", SCREEN)
        yield room, second, sound
        second.stop()
        board.qemu.off()
    os.remove(disk)


def test_the_room_outside_sees_the_emulated_camera(rooms, seen):
    room, second, _ = rooms
    second.join("4711", "2468")
    assert max(second.colours().values(), default=0) < 0.01, "bars before anybody shows any"
    room.join("Board", "2468")
    # The test camera's picture: bars of six colours.
    colours = until("the bars on the second display", MEDIA,
                    lambda: (bars := second.colours()) and min(bars.values()) > 0.01 and bars)
    seen("the room outside sees: " + ", ".join(f"{name} {share:.0%}" for name, share in colours.items()))


def test_the_room_outside_hears_the_emulated_microphone(rooms, seen):
    _, second, sound = rooms
    silent = second.heard(5)
    assert loudness(silent) < 20, "a voice before anybody speaks"
    sound.play()
    share = until("the voice in the second loudspeaker", MEDIA,
                  lambda: speaks(second.heard(3)))
    seen(f"the room outside hears the voice: {share:.0%} of what it plays is like a voice, {loudness(second.heard(3)):.0f} of 32768")


def test_what_is_muted_on_the_panel_is_not_heard(rooms, seen):
    room, second, _ = rooms
    # White on red, as it is when it is off, no one reads it for us.
    key = until("the key Microphone", SCREEN, lambda: room.look().place_of("Microphone"))
    room.board.touch(*key)
    until("silence in the second loudspeaker", MEDIA, lambda: loudness(second.heard(3)) < 20)
    room.board.touch(*key)
    until("the voice again", MEDIA, lambda: speaks(second.heard(3)))
    seen("muted on the panel: silence outside; unmuted: the voice again")
