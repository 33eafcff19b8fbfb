"""Secure Boot with own keys: the firmware starts what our certificate has signed, and nothing else."""

import os
import re
import shutil
import subprocess

import pytest

import board_virtual
import secure_boot
from board_virtual import until
from conftest import Room, disk_for, switch_on
from limits import BOOT

# The firmware alone.
EARLY = 600


@pytest.mark.parametrize("kernel", [
    secure_boot.with_one_octet_changed,
    secure_boot.without_signature,
])
def test_a_kernel_image_that_nobody_signed_so_is_refused(kernel, folder, seen):
    folder = os.path.join(folder, kernel.__name__)
    os.makedirs(folder)
    disk = os.path.join(folder, "disk.img")
    subprocess.run(["cp", "--sparse=always", os.environ["CONCLAVE_HIL_DISK"], disk], check=True)
    secure_boot.put(kernel(folder), disk)
    secure_boot.enrol(folder)
    board_virtual.Tpm(folder).start()
    log = os.path.join(folder, "serial.log")
    open(log, "w").close()  # It is read before QEMU has begun to write.
    words = board_virtual.machine(folder, disk, None, by="firmware", secure=True).split()
    qemu = subprocess.Popen([
        "qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "1024M", "-display", "none", *words,
    ])

    def said():
        assert qemu.poll() is None, "the board restarted or ended"
        with open(log, errors="replace") as file:
            return file.read()

    try:
        refusal = r"BdsDxe: failed to load Boot\d+ \"UEFI Misc Device\" .*: Access Denied"
        until("the firmware refuses it", EARLY, lambda: re.search(refusal, said()))
        # What it starts it names as well, and after that refusal it looks elsewhere: at the network.
        assert "BdsDxe: starting" not in said()
    finally:
        qemu.kill()
        qemu.wait()
    shutil.rmtree(folder)
    seen(f"Secure Boot, {kernel.__name__.replace('_', ' ')}: the firmware says Access Denied")


def test_the_signed_kernel_image_starts_up_to_the_panel(folder, cloud, seen):
    folder = os.path.join(folder, "signed")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    secure_boot.enrol(folder)
    board = switch_on(folder, disk, None, by="firmware", secure=True)
    room = Room(board, folder)
    try:
        # The kernel takes no module then that Debian has not signed: all that the room needs is.
        room.shows("an activation code", BOOT, lambda shown: shown.code)
        seen(f"Secure Boot with own keys, activation code: {room.since_power_on():.0f} s")
    finally:
        board.qemu.off()
        os.remove(disk)
