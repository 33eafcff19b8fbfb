"""One cloud for all tests of a run, and one room for all of a file: a boot takes a minute or more on an
emulated processor.

The files go from what is quickest to see, the tests of a file are one story, in order; each begins where
the one before ended. `cargo xtask hil`
sets the variables CONCLAVE_HIL_… and runs this in a network namespace of its own, where nothing but
what the tests start is on the network.
"""

import os
import shutil
import subprocess
import time

import pytest
from labgrid import Environment

import board_virtual
import screen
from board_virtual import until
from cloud import Cloud

# Where QEMU's user network shows this machine's loopback to the room.
LOOPBACK = "10.0.2.2"
# Where the partition conclave-site begins (xtask/src/image/disk.rs): after two ESPs and two systems.
SITE_MIB = 1 + 2 * 96 + 2 * 1024


class Room:
    """A room that was switched on."""

    def __init__(self, board, folder):
        self.board = board
        self.folder = folder
        self.started = time.monotonic()
        self.pictures = 0
        self.seen = None
        self.read_again = 0.0

    def since_power_on(self):
        """Seconds."""
        return time.monotonic() - self.started

    def look(self, name="last"):
        """What stands on the panel. Read only when it has changed, and for a quarter of the time at the most:
        reading takes the processor that the emulated room needs."""
        time.sleep(max(0, self.read_again - time.monotonic()))
        path = self.board.picture(os.path.join(self.folder, f"{name}.png"))
        with open(path, "rb") as file:
            picture = file.read()
        if self.seen is None or self.seen[0] != picture:
            begun = time.monotonic()
            self.seen = (picture, screen.read(path))
            ended = time.monotonic()
            self.read_again = ended + 3 * (ended - begun)
        return self.seen[1]

    def shows(self, what, limit, find=None):
        """Waits until the panel shows a text, or until `find` finds something on it."""
        find = find or (lambda seen: what in seen)

        def looked():
            seen = self.look()
            return seen if find(seen) else None

        seen = until(f"the panel shows {what}", limit, looked)
        self.keep(what)
        return seen

    def keep(self, what):
        """Keeps the last picture, numbered, for whoever wants to see how it went."""
        self.pictures += 1
        name = "".join(letter if letter.isalnum() else "-" for letter in what.lower())
        kept = os.path.join(self.folder, f"{self.pictures:02}-{name}.png")
        shutil.copy(os.path.join(self.folder, "last.png"), kept)

    def rests(self, limit, looks=5):
        """Waits until the panel has not changed for so many looks: what was touched has arrived."""
        same, last = 0, None

        def unchanged():
            nonlocal same, last
            self.look()
            same = same + 1 if self.seen[0] == last else 0
            last = self.seen[0]
            return same >= looks

        until("the panel rests", limit, unchanged)

    def press(self, word, limit=60):
        """Presses the word as soon as it stands there."""
        place = until(f"{word} to press", limit, lambda: self.look().place_of(word))
        self.board.touch(*place)

    def type(self, digits):
        """Presses digits on the pad: four rows beside the button Back, which a notice pushes down, to the
        screen's lower edge."""
        _, back = until("the pad", 60, lambda: self.look().place_of("Back"))
        right, _ = until("the pad", 60, lambda: self.look().place_of("Delete"))
        gap, column, top, bottom = 16, 192, back - 36, board_virtual.HEIGHT - 40
        row = (bottom + gap - top) / 4
        for digit in digits:
            at = (int(digit) - 1) % 9
            across, down = (1, 3) if digit == "0" else (at % 3, at // 3)
            middle = top + down * row + (row - gap) / 2
            self.board.touch(right - (2 - across) * column, int(middle))

    def join(self, name, pin, limit=600):
        """Goes into a meeting that asks for a PIN; returns when the call's panel stands there."""
        self.press(name)
        pad = self.shows("Enter the PIN", limit)
        join = until("the key Join", limit, lambda: pad.place_of("Join") or self.look().place_of("Join"))
        self.type(pin)
        # The key works when the last digit has arrived. A second press would hit what the call shows there.
        self.rests(limit)
        self.board.touch(*join)
        # A call's panel alone has a volume.
        self.shows("Volume", limit)

    def dismiss(self):
        """Taps the notice away: the key at its right end, whose two words are read as one now and then."""
        self.board.touch(board_virtual.WIDTH - 130, 61)

    def leave(self, limit=600):
        """Leaves the call: the key in the corner, whose white on red no one reads for us, right of People."""
        _, row = until("the keys of the call", limit, lambda: self.look().place_of("People"))
        self.board.touch(board_virtual.WIDTH - 110, row)
        self.shows("the call is left", limit, lambda shown: "Volume" not in shown)


@pytest.fixture(scope="session")
def folder():
    """Where everything of this run is kept."""
    return os.environ["CONCLAVE_HIL_FOLDER"]


@pytest.fixture(scope="session")
def cloud(folder):
    """A cloud with one meeting room that asks for a PIN."""
    cloud = Cloud(folder)
    cloud.command("vmr", "create", "--number", "4711", "--name", "Board", "--pin", "2468")
    yield cloud
    cloud.stop()


@pytest.fixture(scope="session")
def tap():
    """A second cable into the room, for whoever attacks it."""
    with board_virtual.Tap() as tap:
        yield tap.name


def disk_for(cloud, folder, image=None):
    """A copy of the shipped disk, with what a site writes onto it: which cloud."""
    disk = os.path.join(folder, "disk.img")
    image = image or os.environ["CONCLAVE_HIL_DISK"]
    board_virtual.copy(image, disk)
    configuration = os.path.join(folder, "cloud.toml")
    with open(configuration, "w") as file:
        file.write(cloud.room_configuration(LOOPBACK))
    subprocess.run(
        ["mcopy", "-o", "-i", f"{disk}@@{SITE_MIB}M", configuration, "::/cloud.toml"], check=True
    )
    return disk


def switch_on(folder, disk, tap, display="none", by="kernel", restarts=False, **more):
    """The board, switched on. By its kernel: QEMU loads it, which spares the firmware's minute. By its
    firmware: as every real board does. A board that restarts by itself ends the emulator, unless it may.
    `more`: what `machine` of board_virtual.py takes beside that."""
    board_virtual.Tpm(folder).start()
    with open(more.pop("command_line", os.environ["CONCLAVE_HIL_COMMAND_LINE_FILE"])) as file:
        line = file.read().strip()
    # The serial line is for whoever looks for the reason; the panel is what is tested. On a busy machine the
    # kernel finds that the emulated timer does not tick, and panics: it is not to look.
    os.environ["LG_HIL_COMMAND_LINE"] = (
        f"{line} conclave.slot=a systemd.show_status=yes console=ttyS0 mitigations=off "
        "no_timer_check"
    )
    os.environ["LG_HIL_KERNEL"] = os.environ["CONCLAVE_HIL_KERNEL"]
    os.environ["LG_HIL_DISPLAY"] = "fb-headless" if display == "none" else "qemu-default"
    os.environ["LG_HIL_QEMU"] = board_virtual.machine(
        folder, disk, tap, display, by, restarts, **more
    )
    here = os.path.dirname(os.path.abspath(__file__))
    environment = Environment(os.path.join(here, "boards", f"virtual-x86_64-by-{by}.yaml"))
    target = environment.get_target("main")
    qemu = target.get_driver("QEMUDriver")
    target.activate(qemu)
    qemu.on()
    board = target.get_driver("VirtualBoard")
    target.activate(board)
    return board


@pytest.fixture(scope="module")
def room(cloud, tap, folder):
    """A new room: the image as it is shipped, switched on for the first time."""
    disk = disk_for(cloud, folder)
    board = switch_on(folder, disk, tap)
    yield Room(board, folder)
    board.qemu.off()
    os.remove(disk)


@pytest.fixture(scope="session")
def seen(folder):
    """Figures that a test wants to be read: they end up in seen.txt and on the terminal."""
    lines = []
    yield lambda text: lines.append(text)
    with open(os.path.join(folder, "seen.txt"), "w") as file:
        file.writelines(f"{line}\n" for line in lines)
    print("\n" + "\n".join(lines))
