"""Somebody updates a room from a USB stick: at the panel, by day, without a cloud that knows the room."""

import os

import board_virtual
import usb
from board_virtual import until
from conftest import Room, disk_for, switch_on
from limits import BOOT, SCREEN, UPDATE


def test_a_stick_updates_a_room_that_belongs_to_nobody(folder, cloud, seen):
    folder = os.path.join(folder, "stick")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    version, bundle = os.environ["CONCLAVE_HIL_NEXT"], os.environ["CONCLAVE_HIL_NEXT_BUNDLE"]
    damaged = os.path.join(folder, "damaged")
    with open(damaged, "wb") as file:
        file.write(os.urandom(100_000))
    board = switch_on(folder, disk, None, by="firmware", restarts=True, besides=usb.SOCKET)
    room = Room(board, folder)
    try:
        room.shows("an activation code", BOOT, lambda shown: shown.code)

        stick = usb.Stick(os.path.join(folder, "other.img"), {"conclave.raucb": damaged})
        stick.put_into(board)
        room.shows("This stick can't update the room", SCREEN, lambda shown: "signed" in shown)
        close(room)
        room.shows("the room as it was", SCREEN, lambda shown: shown.code)
        stick.pull_out_of(board)

        stick = usb.Stick(os.path.join(folder, "stick.img"), {"readme.txt": damaged, f"conclave-{version}.raucb": bundle})
        stick.put_into(board)
        room.shows(f"whether to install {version}", SCREEN, lambda shown: version in shown and "Install" in shown)
        asked = room.since_power_on()
        # The key; the word stands in the question too.
        room.board.touch(board_virtual.WIDTH * 3 // 4, board_virtual.HEIGHT - 88)
        room.shows("that it is copied", SCREEN, lambda shown: "Copying" in shown)
        room.shows("that it is installed", UPDATE, lambda shown: "Installing" in shown)
        copied = room.since_power_on()
        stick.pull_out_of(board)
        room.shows("that the room restarts", UPDATE, lambda shown: "restarts" in shown)
        restarted = room.since_power_on()
        room.shows("a new start", BOOT, lambda shown: "restarts" not in shown)
        room.shows("an activation code again", BOOT, lambda shown: shown.code)
        seen(
            f"stick: copied {copied - asked:.0f} s after the tap, installed after {restarted - asked:.0f} s, "
            f"a code again after {room.since_power_on() - asked:.0f} s"
        )

        # It says so once the new system has proved itself: until then a stick is not looked at.
        stick.put_into(board)
        room.shows("that it runs this version", UPDATE, lambda shown: "already" in shown)
        seen(f"stick: {version} runs for good {room.since_power_on() - asked:.0f} s after the tap")
        stick.pull_out_of(board)
        until("the page goes with its stick", SCREEN, lambda: room.look().code)
    finally:
        board.qemu.off()
        os.remove(disk)


def close(room):
    """Taps a page that says why away: its key goes over the whole width at the lower edge, its words are read as one."""
    if "This stick" in room.look():
        room.board.touch(board_virtual.WIDTH // 2, board_virtual.HEIGHT - 88)
