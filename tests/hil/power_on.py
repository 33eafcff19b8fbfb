"""What a room does between power on and its panel: where the time goes, as systemd itself tells it.

`cargo xtask hil --explain` boots the development image by its firmware, asks it at the serial port, and
writes docs/pictures/power-on.svg and the table in docs/firmware.md.
"""

import os
import re
import subprocess

import board_virtual
from board_virtual import until
from cloud import Cloud
from conftest import disk_for
from limits import BOOT
from shell import Shell

# One command at the serial port, beside a room that works.
COMMAND = 900
# Units in the table: below them nothing takes a second.
UNITS = 12
BEGIN, END = "<!-- power on: begin -->\n", "<!-- power on: end -->\n"


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
    image = os.environ["CONCLAVE_HIL_DEVELOPMENT"]
    disk = disk_for(cloud, folder, os.path.join(image, "conclave.img"))
    qemu = subprocess.Popen([
        "qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "1536M", "-display", "none",
        *board_virtual.machine(folder, disk, None, by="firmware").split(),
    ])
    try:
        until("the serial port", 30, lambda: os.path.exists(os.path.join(folder, "serial")))
        shell = Shell(folder)
        shell.wait(BOOT)
        # What is still being started would be missing. It fails when a unit did.
        shell.run("systemctl is-system-running --wait", COMMAND)
        time = shell.run("systemd-analyze time", COMMAND)
        blame = shell.run("systemd-analyze --no-pager blame", COMMAND)
        print(time, shell.run("systemd-analyze --no-pager critical-chain", COMMAND), sep="\n\n")
        plot = shell.run("systemd-analyze plot", COMMAND)
    finally:
        qemu.kill()
        qemu.wait()
        cloud.stop()
        os.remove(disk)
    write(os.path.join(os.path.dirname(__file__), "..", "..", "docs"), time, blame, plot)


main()
