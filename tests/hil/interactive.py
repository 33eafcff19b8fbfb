"""A new room with its cloud, on a screen that a person can touch, until Ctrl-C.

QEMU shows it by VNC on a Unix socket: a network namespace has no ports that a viewer outside could reach.
"""

import os
import time

from cloud import Cloud
from conftest import disk_for, switch_on


def main():
    folder = os.environ["CONCLAVE_HIL_FOLDER"]
    cloud = Cloud(folder)
    cloud.command("vmr", "create", "--number", "4711", "--name", "Board", "--pin", "2468")
    socket = os.path.join(folder, "screen.vnc")
    board = switch_on(folder, disk_for(cloud, folder), None, f"vnc=unix:{socket}")
    print(f"""
The room starts. Look at it and touch it with any VNC viewer that opens a Unix socket:
  vncviewer {socket}
When it shows its code:
  {cloud.program} room claim CODE --name "Room Ada" --data {cloud.data}
Then join "Board" with the PIN 2468. Ctrl-C switches it off.""", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        board.qemu.off()
        cloud.stop()


main()
