"""A room from its first start by the firmware to its next system: one that does not work is taken back, one that
works stays. Then the power is cut at random moments of all that. Alone this file is the short form of all of them:
cargo xtask hil --short.
"""

import os
import random

import power
import pytest
import story
from limits import SCREEN, UPDATE

NAME = "Room Bell"
# How many power cuts, and the seed that chooses in the same way again. `cargo xtask hil --power-cuts N` makes more.
CUTS = 3
SEED = int(os.environ.get("CONCLAVE_HIL_SEED") or random.randrange(1 << 32))


@pytest.fixture(scope="module")
def recording(cloud, tap, folder):
    """A new room that its firmware starts, as often as it wants; every write of its disk is recorded."""
    recording = power.Recording(os.path.join(folder, "update"), cloud, tap)
    yield recording
    # After the cuts nothing is left to be ended.
    if recording.entries is None:
        recording.kill()


@pytest.fixture(scope="module")
def bell(recording):
    """That room, for whoever stands before it."""
    return recording.room


def has_its_name(shown):
    """Whether the panel shows that the room is enrolled."""
    return NAME in shown


def test_the_firmware_starts_it_and_its_code_enrols_it(recording, bell, cloud, seen):
    code = story.shows_its_code(bell)
    recording.mark("an activation code", lambda shown: shown.code)
    seen(f"firmware, unified kernel image, activation code: {bell.since_power_on():.0f} s")
    story.enrol(bell, cloud, code, NAME)
    # A person believes what has stood there for two seconds.
    bell.rests(SCREEN, looks=2)
    recording.mark("its name", has_its_name)


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


def test_a_release_that_works_stays(recording, bell, cloud, seen):
    recording.mark("its name, after an update that did not work", has_its_name)
    version = story.release(cloud, "CONCLAVE_HIL_NEXT")
    ended = story.update(bell, cloud, NAME, version, UPDATE, seen)
    assert ended["standing"] == "committed", ended
    # What a person sees of it afterwards: the room as it was.
    bell.shows(NAME, SCREEN)
    recording.mark("its name, updated", has_its_name)


def test_wherever_its_power_is_cut_it_comes_back(recording, folder, seen):
    recording.kill()
    seen(f"{CUTS} power cuts in {len(recording.entries)} writes and flushes, with the seed {SEED}:")
    for cut in power.cuts(recording, folder, CUTS, SEED):
        seen(f"cut {cut}")
        assert cut.came_back, f"the panel does not show what it had shown; the disk is left in {folder}: {cut}"
