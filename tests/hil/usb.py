"""USB sticks: made here, put into the running board and pulled out of it, by QEMU's monitor."""

import os
import subprocess

from labgrid.driver.qemudriver import QMPError

from board_virtual import until

# The board has a socket for them only when it is asked for.
SOCKET = ("-device", "qemu-xhci,id=usb")
MIB = 1024 * 1024


class Stick:
    """A stick with one file system and these files; nothing needs to mount it here."""

    def __init__(self, path, files):
        size = sum(os.path.getsize(file) for file in files.values())
        with open(path, "wb") as file:
            file.truncate(64 * MIB + size // MIB * MIB)
        subprocess.run(["mkfs.vfat", "-F", "32", "-n", "STICK", path], check=True, capture_output=True)
        for name, file in files.items():
            subprocess.run(["mcopy", "-i", path, file, f"::/{name}"], check=True)
        self.path = path

    def put_into(self, board):
        """Somebody puts it in."""
        board.qemu.monitor_command("blockdev-add", {
            "driver": "raw", "node-name": "stick", "read-only": True,
            "file": {"driver": "file", "filename": self.path},
        })
        board.qemu.monitor_command("device_add", {
            "driver": "usb-storage", "bus": "usb.0", "id": "stick", "drive": "stick", "removable": True,
        })

    def pull_out_of(self, board):
        """Somebody pulls it out, and asks nobody before."""
        board.qemu.monitor_command("device_del", {"id": "stick"})

        def closed():
            # Its device goes a moment after it was asked to. What QEMU answers until then is not text, as labgrid
            # takes it to be for its own kind of error.
            try:
                board.qemu.monitor_command("blockdev-del", {"node-name": "stick"})
            except (QMPError, TypeError):
                return False
            return True

        until("the stick is out", 60, closed)
