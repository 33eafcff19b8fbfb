"""What a room does between power on and its panel: where the time goes, as systemd itself tells it.

`cargo xtask hil --explain` boots the development image by its firmware, asks it at the serial port, and
writes docs/pictures/power-on.svg and the table in docs/firmware.md.
"""

import os
import re
import socket
import subprocess

import board_virtual
from board_virtual import until
from cloud import Cloud
from conftest import disk_for

# The firmware and a first boot, on an emulated processor.
FIRMWARE = 1800
# One command at the serial port, beside a room that works.
COMMAND = 900
# Units in the table: below them nothing takes a second.
UNITS = 12
BEGIN, END = "<!-- power on: begin -->\n", "<!-- power on: end -->\n"


class Console:
    """The serial port of a development image, where whoever is there is root."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        until("the serial port", 30, lambda: self.socket.connect_ex(path) == 0)
        self.socket.settimeout(1)
        self.heard = ""

    def hears(self, pattern, limit):
        """Waits until it says something; returns that, and forgets what came up to its end."""
        def listened():
            try:
                self.heard += self.socket.recv(1 << 16).decode(errors="replace").replace("\r", "")
            except TimeoutError:
                pass
            # A shell sends a terminal more than words: colours, how it takes what is pasted.
            self.heard = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.heard)
            return re.search(pattern, self.heard, re.DOTALL)

        found = until(f"the serial port says {pattern}", limit, listened)
        self.heard = self.heard[found.end():]
        return found

    def asks(self, command):
        """What a command prints."""
        # The echo of this line has its words apart, the answer has them in one.
        self.socket.sendall(f"echo 'be''gin'; {command}; echo 'en''d'\n".encode())
        return self.hears(r"\nbegin\n(.*?)(?<=\n)end\n", COMMAND).group(1).rstrip()


def rows(time, blame):
    """The table: the parts of the whole, then the units that took longest."""
    yield "| what | how long |"
    yield "| --- | ---: |"
    for span, part in re.findall(r"([0-9][^()+=]*?) \((\w+)\)", time):
        yield f"| {part} | {span} |"
    whole = re.search(r"= ([^\n]*)", time).group(1).strip()
    yield f"| all of it | {whole} |"
    for line in blame.splitlines()[:UNITS]:
        span, unit = line.strip().rsplit(" ", 1)
        yield f"| {unit} | {span} |"


def write(docs, time, blame, plot):
    """The picture, and the table between its two marks."""
    with open(os.path.join(docs, "pictures", "power-on.svg"), "w") as file:
        file.write(plot)
    page = os.path.join(docs, "firmware.md")
    with open(page) as file:
        before, rest = file.read().split(BEGIN)
    _, after = rest.split(END)
    with open(page, "w") as file:
        file.write(before + BEGIN + "\n".join(rows(time, blame)) + "\n" + END + after)


def main():
    folder = os.environ["CONCLAVE_HIL_FOLDER"]
    cloud = Cloud(folder)
    board_virtual.Tpm(folder).start()
    serial = os.path.join(folder, "serial")
    words = board_virtual.machine(folder, disk_for(cloud, folder), None, by="firmware").replace(
        f"-serial file:{folder}/serial.log",
        f"-chardev socket,id=console,path={serial},server=on,wait=off,logfile={folder}/serial.log"
        " -serial chardev:console",
    )
    qemu = subprocess.Popen([
        "qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "1536M", "-display", "none",
        *words.split(),
    ])
    try:
        console = Console(serial)
        console.hears(r"root@[^\n]*# ", FIRMWARE)
        # What the kernel says would stand in the middle of an answer.
        console.asks("dmesg --console-off")
        # What is still being started would be missing. A unit that failed says so here, and in the table.
        state = console.asks("systemctl is-system-running --wait")
        print(f"The room is {state}.\n{console.asks('systemctl --failed --no-legend --plain')}")
        time = console.asks("systemd-analyze time")
        blame = console.asks("systemd-analyze --no-pager blame")
        chain = console.asks("systemd-analyze --no-pager critical-chain conclave-kiosk.service")
        plot = console.asks("systemd-analyze plot")
    finally:
        qemu.kill()
        qemu.wait()
        cloud.stop()
    print(f"{time}\n\n{chain}")
    write(os.path.join(os.path.dirname(__file__), "..", "..", "docs"), time, blame, plot)


main()
