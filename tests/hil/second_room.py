"""A second room, outside: the same daemon as in the image, on this machine. It has no camera and no microphone; what
it sees is a picture file, what it hears a WAV file. Its panel is spoken to as conclave-kiosk does.
"""

import json
import os
import socket
import struct
import subprocess

from board_virtual import until
from PIL import Image

LIMIT = 180


class SecondRoom:
    """Started with a cloud to call out to."""

    def __init__(self, cloud, folder):
        self.folder = os.path.join(folder, "second")
        os.makedirs(self.folder)
        here = self.folder
        with open(os.path.join(here, "room.toml"), "w") as file:
            file.write(
                f'data = "{here}/data"\nserial = "SECOND"\n{cloud.room_configuration("127.0.0.1")}'
                f'[panel]\nsocket = "{here}/panel.sock"\n[media]\ncamera = "none"\nmicrophone = "none"\n'
                f'loudspeaker = "file:{here}/heard.wav"\ndisplay = "offscreen:{here}/front.png"\n'
            )
        program = os.path.join(os.path.dirname(cloud.program), "conclave-roomd")
        self.process = subprocess.Popen(
            [program, "--config", os.path.join(here, "room.toml")],
            stderr=open(os.path.join(here, "roomd.log"), "w"),
        )
        self.panel = until("the second room's panel", LIMIT, self._dial)

    def _dial(self):
        assert self.process.poll() is None, f"the second room ended; see {self.folder}/roomd.log"
        panel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            panel.connect(os.path.join(self.folder, "panel.sock"))
        except OSError:
            return None
        panel.settimeout(LIMIT)
        return panel

    def shown(self):
        """The next picture that its daemon sends for the panel."""
        length = struct.unpack(">I", self._read(4))[0]
        return json.loads(self._read(length))

    def _read(self, length):
        octets = b""
        while len(octets) < length:
            more = self.panel.recv(length - len(octets))
            assert more, "the second room's daemon closed its panel"
            octets += more
        return octets

    def shows(self, what, find):
        """Waits until the panel is sent something in which `find` finds something."""
        return until(what, LIMIT, lambda: find(self.shown()["screen"]))

    def tap(self, tap, **more):
        """As a finger does."""
        frame = json.dumps({"tap": tap, **more}).encode()
        self.panel.sendall(struct.pack(">I", len(frame)) + frame)

    def enrol(self, cloud, name):
        """IT reads the code and types it in."""
        code = self.shows("its code", lambda screen: screen.get("code"))
        cloud.claim(code, name)
        self.shows("it is enrolled", lambda screen: screen["screen"] == "idle")

    def join(self, number, pin):
        """Enters a meeting room."""
        self.tap("choose", number=number)
        self.shows("the pad", lambda screen: screen["screen"] == "pin")
        for digit in pin:
            self.tap("digit", digit=int(digit))
        self.tap("join")
        self.shows("it is in the call", lambda screen: screen["screen"] == "in_call")

    def colours(self):
        """How much of the front display is which of a test picture's bars, 0 to 1 each."""
        try:
            picture = Image.open(os.path.join(self.folder, "front.png")).convert("RGB")
        except (OSError, SyntaxError):
            return {}
        picture.thumbnail((160, 90))
        bars = {"yellow": (1, 1, 0), "cyan": (0, 1, 1), "green": (0, 1, 0), "magenta": (1, 0, 1),
                "red": (1, 0, 0), "blue": (0, 0, 1)}
        pixels = list(picture.getdata())
        is_it = lambda pixel, bar: all((value > 130) if on else (value < 110) for value, on in zip(pixel, bar))
        return {name: sum(is_it(pixel, bar) for pixel in pixels) / len(pixels) for name, bar in bars.items()}

    def heard(self, seconds):
        """The last samples that its loudspeaker was given."""
        with open(os.path.join(self.folder, "heard.wav"), "rb") as file:
            octets = file.read()[44:]
        octets = octets[: len(octets) // 2 * 2][-round(seconds * 48000) * 2 :]
        return struct.unpack(f"<{len(octets) // 2}h", octets)

    def stop(self):
        """Ends it."""
        self.panel.close()
        self.process.terminate()
        self.process.wait(timeout=30)
