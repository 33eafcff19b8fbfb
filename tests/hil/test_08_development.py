"""What a room survives that cannot be brought about from outside: a root shell does it, in a development image. That
differs from what is shipped by its shell alone; what is looked at is the panel again, and the cloud's view.
"""

import os
import time

import pytest

from board_virtual import until
from conftest import Room, disk_for, switch_on
from limits import BOOT, SCREEN
from lines import MUTE, Lines
from monitor import Events
from second_room import SecondRoom
from shell import Shell
from sound import Sound, loudness, speaks
from story import french

# Sound has to come from an emulated processor into another room.
MEDIA = 300
NAME = "Room Dora"


@pytest.fixture(scope="module")
def place(folder):
    """Where this file's room keeps what is its own."""
    if not os.environ.get("CONCLAVE_HIL_DEVELOPMENT"):
        pytest.skip("without a development image: cargo xtask hil")
    place = os.path.join(folder, "development")
    os.makedirs(place)
    return place


@pytest.fixture(scope="module")
def sound(place):
    """What the room's microphone hears."""
    with Sound(place) as sound:
        yield sound


@pytest.fixture(scope="module")
def room(cloud, place, sound):
    """A room with a development image, enrolled."""
    image, folder = os.environ["CONCLAVE_HIL_DEVELOPMENT"], place
    disk = disk_for(cloud, folder, os.path.join(image, "conclave.img"))
    board = switch_on(
        folder, disk, None, restarts=True, besides=sound.words(),
        initrd=os.path.join(image, "initrd.zst"), command_line=os.path.join(image, "command-line"),
    )
    room = Room(board, folder)
    code = room.shows("an activation code", BOOT, lambda shown: shown.code).code
    cloud.claim(code, NAME)
    room.shows(NAME, SCREEN)
    yield room
    board.qemu.off()
    os.remove(disk)


@pytest.fixture(scope="module")
def shell(room):
    """The shell of that room."""
    shell = Shell(room.folder)
    shell.wait(SCREEN)
    return shell


@pytest.fixture
def second(room, cloud):
    """A room outside, for one test."""
    second = SecondRoom(cloud, room.folder)
    yield second
    second.stop()


def daemon(shell, what):
    """What systemd knows of the daemon."""
    return shell.run(f"systemctl show -P {what} conclave-roomd")


def links(cloud):
    """Whether the cloud holds a link with the room."""
    return [each["state"] for each in cloud.rooms() if each["name"] == NAME] == ["linked"]


def test_the_mute_button_lights_red_and_silences(room, second, shell, cloud, sound, seen):
    lines = Lines(shell)
    second.enrol(cloud, "Room Outside Dora's")
    assert lines.light() == (False, False), "a light without a call"
    second.join("4711", "2468")
    room.join("Board", "2468")
    until("the light is green", SCREEN, lambda: lines.light() == (True, False))
    sound.play()
    until("the voice outside", MEDIA, lambda: speaks(second.heard(3)))

    lines.press(MUTE)
    until("the light is red", SCREEN, lambda: lines.light() == (False, True))
    room.shows("Your microphone is off", SCREEN)
    until("silence outside", MEDIA, lambda: loudness(second.heard(3)) < 20)

    lines.press(MUTE)
    until("the light is green again", SCREEN, lambda: lines.light() == (True, False))
    until("the voice again", MEDIA, lambda: speaks(second.heard(3)))
    sound.be_silent()
    room.leave()
    until("the light is off", SCREEN, lambda: lines.light() == (False, False))
    seen("the mute button: red light, said on the panel, silence outside; pressed again: green, the voice outside")


def test_a_frozen_daemon_is_started_again(room, shell, cloud, seen):
    until("the room is linked", SCREEN, lambda: links(cloud))
    before = daemon(shell, "MainPID")
    shell.run(f"kill -STOP {before}")
    frozen = time.monotonic()
    until("systemd starts it again", SCREEN, lambda: daemon(shell, "MainPID") not in ("0", before))
    started = time.monotonic()
    # Nothing but the watchdog has ended it.
    assert "Watchdog timeout" in shell.run("journalctl -b --no-pager -u conclave-roomd")
    room.shows("Connected", SCREEN, lambda shown: NAME in shown and "Connected" in shown)
    until("the room is linked again", SCREEN, lambda: links(cloud))
    seen(
        f"daemon frozen: started again after {started - frozen:.0f} s, the panel as it was "
        f"{time.monotonic() - started:.0f} s later"
    )


def test_a_room_whose_data_partition_is_full_goes_on_and_starts(room, shell, cloud, seen):
    # What root may have beyond others is taken too; whole pieces first, because the processor is emulated.
    shell.run("for size in 256M 16M 1M 64K 4K; do "
              "n=0; while fallocate -l $size /var/fill-$size-$n 2>/dev/null; do n=$((n+1)); done; done; sync", 600)
    assert shell.run("df --output=avail /var | tail -n 1") == "0"
    # A setting holds for now, and a call is joined.
    room.board.touch(*until("the key Français", SCREEN, lambda: french(room.look())))
    room.shows("Salles", SCREEN)
    room.press("English")
    room.join("Board", "2468")
    room.leave()
    room.shows(NAME, SCREEN)

    events = Events(os.path.join(room.folder, "monitor"))
    shell.run("systemctl --no-block reboot")
    until("the board restarts", SCREEN, lambda: events.named("RESET"))
    began = time.monotonic()
    events.close()
    room.shows("anything but the room", SCREEN, lambda shown: NAME not in shown)
    room.shows(NAME, BOOT)
    until("the room is linked", SCREEN, lambda: links(cloud))
    took = time.monotonic() - began
    shell.wait(SCREEN)
    assert shell.run("df --output=avail /var | tail -n 1") == "0", "it was to be full all the time"
    failed = shell.run("systemctl --failed --no-legend --plain | cut -d ' ' -f 1 | tr '\\n' ' '")
    shell.run("rm /var/fill-*; sync")
    seen(f"data partition full: settings and calls go on; restarted, it is linked after {took:.0f} s; "
         f"what did not start then: {failed or 'nothing'}")


def test_a_camera_that_goes_in_a_call_comes_back(room, shell, cloud, seen):
    room.join("Board", "2468")
    drivers = "/sys/bus/platform/drivers/vivid"
    shell.run(f"echo vivid.0 > {drivers}/unbind")
    gone = time.monotonic()
    room.shows("The camera is not there", SCREEN)
    said = time.monotonic()
    shell.run(f"echo vivid.0 > {drivers}/bind")
    back = time.monotonic()
    room.shows("the camera again", SCREEN, lambda shown: "camera is not there" not in shown and "Volume" in shown)
    meetings = cloud.command("meeting", "list", "--json")
    assert "4711" in meetings, "the call has ended"
    seen(
        f"camera away in a call: said after {said - gone:.0f} s; back, it is used {time.monotonic() - back:.0f} s later"
    )
