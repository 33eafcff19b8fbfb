"""What is refused: a system that is not what was signed."""

import os
import shutil
import subprocess

import board_virtual
from board_virtual import until

# Where the partition conclave-system-a begins (xtask/src/image/disk.rs): after two ESPs.
SYSTEM_A = (1 + 2 * 96) * 1024 * 1024
# Kernel and initial RAM disk alone, on an emulated processor.
EARLY = 600


def test_a_system_with_one_flipped_bit_is_refused(folder, seen):
    folder = os.path.join(folder, "flipped")
    os.makedirs(folder)
    disk = os.path.join(folder, "disk.img")
    board_virtual.copy(os.environ["CONCLAVE_HIL_DISK"], disk)
    with open(disk, "r+b") as file:
        # In the file system's first block, which is the first that is read.
        file.seek(SYSTEM_A + 100)
        octet = file.read(1)[0]
        file.seek(SYSTEM_A + 100)
        file.write(bytes([octet ^ 1]))
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
