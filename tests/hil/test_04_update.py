"""A room from its first start by the firmware to its next system: one that does not work is taken back, one that
works stays. Alone this file is the short form of all of them: cargo xtask hil --short.
"""

import os

import pytest
import story
from conftest import Room, disk_for, switch_on
from limits import SCREEN, UPDATE

NAME = "Room Bell"


@pytest.fixture(scope="module")
def bell(cloud, tap, folder):
    """A new room that its firmware starts, as often as it wants."""
    folder = os.path.join(folder, "update")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    board = switch_on(folder, disk, tap, by="firmware", restarts=True)
    yield Room(board, folder)
    board.qemu.off()
    os.remove(disk)


def test_the_firmware_starts_it_and_its_code_enrols_it(bell, cloud, seen):
    code = story.shows_its_code(bell)
    seen(f"firmware, unified kernel image, activation code: {bell.since_power_on():.0f} s")
    story.enrol(bell, cloud, code, NAME)


def test_nobody_on_its_network_finds_a_door(bell, tap, seen):
    story.scan_ports(tap, seen)


def test_it_is_in_a_call_and_leaves_it(bell, cloud, seen):
    story.join(bell, cloud)
    seen(f"in the call {bell.since_power_on():.0f} s after power on")
    bell.leave()


def test_a_release_whose_daemon_ends_at_once_is_taken_back_and_it_says_so(bell, cloud, seen):
    # By its own clock at any hour.
    cloud.command("room", "follow", NAME, "--window", "00:00-00:00")
    version = story.release(cloud, "CONCLAVE_HIL_BROKEN")
    ended = story.update(bell, cloud, NAME, version, UPDATE, seen)
    assert ended["standing"] == "failed" and "did not start" in ended["why"], ended
    # The board has no microphone here, and that is said first.
    bell.shows("the room again", SCREEN, lambda shown: NAME in shown and "microphone" in shown)
    bell.dismiss()
    bell.shows("The update did not work", SCREEN)


def test_a_release_that_works_stays(bell, cloud, seen):
    version = story.release(cloud, "CONCLAVE_HIL_NEXT")
    ended = story.update(bell, cloud, NAME, version, UPDATE, seen)
    assert ended["standing"] == "committed", ended
    # What a person sees of it afterwards: the room as it was.
    bell.shows(NAME, SCREEN)
