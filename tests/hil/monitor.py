"""What happens to the emulated machine, as QEMU tells it: a monitor beside the one that labgrid holds (QEMU's
"QMP reference"), which gives commands and drops the events.
"""

import json
import socket

# Seconds between two starts of a board that are two: none gets anywhere sooner.
TWICE = 5


class Events:
    """Everything that has happened since this began."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.rest = b""
        self.seen = []
        # Nothing is told before.
        self.socket.sendall(b'{"execute": "qmp_capabilities"}\n')
        self.socket.setblocking(False)

    def named(self, name):
        """Those of one name, the oldest first."""
        try:
            while octets := self.socket.recv(65536):
                self.rest += octets
        except BlockingIOError:
            pass
        *lines, self.rest = self.rest.split(b"\n")
        told = [json.loads(line) for line in lines if line.strip()]
        self.seen += [each for each in told if "event" in each]
        return [each for each in self.seen if each["event"] == name]

    def restarts(self):
        """How often the board has restarted. One that the watchdog brings about is told twice, within a second."""
        times = [each["timestamp"]["seconds"] for each in self.named("RESET")]
        return sum(time - before > TWICE for before, time in zip([0, *times], times))

    def close(self):
        """Ends it."""
        self.socket.close()
