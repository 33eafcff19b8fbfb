"""What is refused: a system that is not what was signed; and what is started instead."""

import os
import shutil
import subprocess

import board_virtual
from board_virtual import until
from conftest import Room, disk_for, switch_on
from limits import BOOT
from monitor import Events

# Where the partition conclave-system-a begins (xtask/src/image/disk.rs): after two ESPs.
SYSTEM_A = (1 + 2 * 96) * 1024 * 1024
# Kernel and initial RAM disk alone, on an emulated processor.
EARLY = 600


# Starts of a slot that does not come up, and the one that changes their order (appliance/initramfs/init).
STARTS = 5


def flip(disk):
    """One bit of slot a: in the file system's first block, which is the first that is read."""
    with open(disk, "r+b") as file:
        file.seek(SYSTEM_A + 100)
        octet = file.read(1)[0]
        file.seek(SYSTEM_A + 100)
        file.write(bytes([octet ^ 1]))


def test_a_system_with_one_flipped_bit_is_refused(folder, seen):
    folder = os.path.join(folder, "flipped")
    os.makedirs(folder)
    disk = os.path.join(folder, "disk.img")
    board_virtual.copy(os.environ["CONCLAVE_HIL_DISK"], disk)
    flip(disk)
    board_virtual.Tpm(folder).start()
    with open(os.environ["CONCLAVE_HIL_COMMAND_LINE_FILE"]) as file:
        line = f"{file.read().strip()} conclave.slot=a console=ttyS0 mitigations=off no_timer_check"
    qemu = subprocess.Popen([
        "qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "1024M", "-display", "none",
        "-kernel", os.environ["CONCLAVE_HIL_KERNEL"], "-append", line,
        *board_virtual.machine(folder, disk, None).split(),
    ])
    try:
        # A panic, and with it a restart, which this QEMU takes for its end: the way to the other slot.
        until("the board restarts by itself", EARLY, lambda: qemu.poll() is not None)
    finally:
        qemu.kill()
        qemu.wait()
    with open(os.path.join(folder, "serial.log"), errors="replace") as file:
        said = file.read()
    assert "verity" in said and "corrupt" in said, said[-2000:]
    assert "systemd[1]" not in said, "the system was started all the same"
    shutil.rmtree(folder)
    seen("a system slot with one flipped bit: refused, the board restarts")


def test_a_slot_that_was_damaged_makes_way_for_the_other(cloud, folder, seen):
    folder = os.path.join(folder, "damaged")
    os.makedirs(folder)
    disk = disk_for(cloud, folder)
    board = switch_on(folder, disk, None, by="firmware", restarts=True)
    Room(board, folder).shows("an activation code", BOOT, lambda shown: shown.code)
    board_virtual.kill(board)

    flip(disk)
    board = switch_on(folder, disk, None, by="firmware", restarts=True)
    events = Events(os.path.join(folder, "monitor"))
    room = Room(board, folder)
    room.shows("an activation code", BOOT, lambda shown: shown.code)
    restarts, took = events.restarts(), room.since_power_on()
    events.close()
    board.qemu.off()
    shutil.rmtree(folder)
    assert restarts == STARTS, f"{restarts} restarts"
    seen(f"one flipped bit in a slot that had been used: after {restarts} restarts, {took:.0f} s, the other slot is up")
