"""Somebody on the room's own network who tries every door, with this system's ordinary sockets.

The room is found by its answer to the neighbour solicitation that everybody on a network may ask
(RFC 4861): without answering that, IPv6 would not work at all.
"""

import errno
import select
import socket
import subprocess
import time
from dataclasses import dataclass, field

# At once: 16 rounds for all ports. More would want more open files than a process usually may have.
AT_ONCE = 4096
# A closed door answers in milliseconds, through an emulated cable on a busy machine in a second.
PATIENCE = 3.0
# The room's address on that cable, made of its hardware address (RFC 4291, appendix A).
ROOM = "fe80::5054:ff:fec0:ec1a"


@dataclass
class Answers:
    """What came back."""

    tried: int = 0
    open: list = field(default_factory=list)
    refused: list = field(default_factory=list)


def room_on(interface):
    """The room's addresses on this interface, once it answers there."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asks:
        # Whatever is sent makes the kernel ask for the neighbour first.
        asks.sendto(b"?", (ROOM, 9, 0, socket.if_nametoindex(interface)))
    known = subprocess.run(
        ["ip", "-6", "neigh", "show", ROOM, "dev", interface], capture_output=True, text=True
    ).stdout
    return [ROOM] if "lladdr" in known else []


def tcp(address, interface, ports=range(1, 65536)):
    """Knocks at every port, a few hundred at once."""
    answers = Answers()
    scope = socket.if_nametoindex(interface)
    waiting = list(ports)
    while waiting:
        batch, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        poll, doors = select.poll(), {}
        for port in batch:
            door = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            door.setblocking(False)
            code = door.connect_ex((address, port, 0, scope))
            assert code in (0, errno.EINPROGRESS), f"{port}: {errno.errorcode.get(code, code)}"
            doors[door.fileno()] = (port, door)
            poll.register(door, select.POLLOUT)
            answers.tried += 1
        end = time.monotonic() + PATIENCE
        while doors and (left := end - time.monotonic()) > 0:
            for number, _ in poll.poll(left * 1000):
                poll.unregister(number)
                port, door = doors.pop(number)
                error = door.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                (answers.open if error == 0 else answers.refused).append(port)
                door.close()
        for _, door in doors.values():
            door.close()
    return answers
