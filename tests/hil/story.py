"""What people do with a room, step by step, for the tests that need it."""

import json
import os
import socket

import scan
from board_virtual import until
from limits import BOOT, CALL, SCREEN

# What releases of the virtual board are for.
BOARD = "conclave-virtual-x86_64"


def shows_its_code(room):
    """A new room shows its activation code."""
    return room.shows("an activation code", BOOT, lambda shown: shown.code).code


def enrol(room, cloud, code, name):
    """IT types the code that was read from the panel."""
    cloud.claim(code, name)
    room.shows(name, SCREEN)


def scan_ports(tap, seen):
    """Somebody on the room's own network tries every door."""
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


def join(room, cloud):
    """A finger taps the meeting room and its PIN."""
    room.join("Board", "2468", CALL)
    meetings = cloud.command("meeting", "list", "--json")
    assert "4711" in meetings, meetings


def release(cloud, variable):
    """Gives the cloud a release, once: its version."""
    version, bundle = os.environ[variable], os.environ[f"{variable}_BUNDLE"]
    if version not in cloud.command("release", "list", "--json"):
        cloud.command("release", "add", bundle, "--version", version, "--compatible", BOARD)
    return version


def update(room, cloud, name, version, limit, seen):
    """The cloud rolls a release out: how this room stands to it in the end, as the cloud tells it."""
    before = room.since_power_on()
    start = ["rollout", "start", version, "--channel", "stable", "--waves", "100%"]
    rollout = json.loads(cloud.command(*start, "--json"))["rollouts"][0]["rollout"]
    stages = []

    def ended():
        status = json.loads(cloud.command("rollout", "status", str(rollout), "--json"))
        mine = next((each for each in status["rooms"] if each["name"] == name), None)
        if mine is None:
            return None
        now = mine["standing"], (mine["stage"] or {"stage": "not linked"})["stage"]
        if stages[-1:] != [now]:
            stages.append(now)
            seen(f"{version}, after {room.since_power_on() - before:.0f} s: {', '.join(now)}")
        return mine if mine["standing"] != "offered" else None

    return until(f"{version} is kept or taken back", limit, ended)


def french(shown):
    """Where the key is that turns the panel to French; how well a cedilla is read differs."""
    return shown.place_of("Français") or shown.place_of("Francais")
