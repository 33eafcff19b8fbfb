"""A room goes from the system that it was shipped with to the next one, by itself, and stays there."""

import json
import os

from board_virtual import until
from conftest import Room, disk_for, switch_on

# The firmware and a first boot, on an emulated processor.
FIRMWARE = 1800
SCREEN = 300
# 400 MB at 640 kB a second, written to the other slot, a restart, and everything shown to work.
UPDATE = 4800


def test_a_room_installs_a_release_restarts_into_it_and_stays(folder, cloud, seen):
    folder = os.path.join(folder, "update")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    board = switch_on(folder, disk, None, by="firmware", restarts=True)
    room = Room(board, folder)
    try:
        code = room.shows("an activation code", FIRMWARE, lambda shown: shown.code).code
        seen(f"firmware, unified kernel image, activation code: {room.since_power_on():.0f} s")
        cloud.command("room", "claim", code, "--name", "Room Bell")
        room.shows("Room Bell", SCREEN)

        version = os.environ["CONCLAVE_HIL_NEXT"]
        cloud.command(
            "release", "add", os.environ["CONCLAVE_HIL_NEXT_BUNDLE"],
            "--version", version, "--compatible", "conclave-virtual-x86_64",
        )
        # By its own clock at any hour.
        cloud.command("room", "follow", "Room Bell", "--window", "00:00-00:00")
        before = room.since_power_on()
        cloud.command("rollout", "start", version, "--channel", "stable", "--waves", "100%")

        stages = []

        def stage():
            rooms = json.loads(cloud.command("room", "updates", "--json"))["rooms"]
            mine = next(each for each in rooms if each["name"] == "Room Bell")
            now = (mine["stage"] or {"stage": "not linked"})["stage"]
            if stages[-1:] != [now]:
                stages.append(now)
                seen(f"update, after {room.since_power_on() - before:.0f} s: {mine}")
            assert now not in ("fell_back", "not_installed"), mine
            return now == "committed" and mine["running"] == version

        until("the room runs the new release for good", UPDATE, stage)
        # What a person sees of it afterwards: the room as it was.
        room.shows("Room Bell", SCREEN)
        seen(f"update: {' > '.join(stages)}")
    finally:
        board.qemu.off()
        os.remove(disk)
