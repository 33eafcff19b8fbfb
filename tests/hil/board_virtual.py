"""The virtual board: a disk of its own, fingers on its screen, pictures of it.

A labgrid driver on top of labgrid's QEMUDriver, so that a test asks `board` for the same things whether
it is emulated or stands on a bench with a camera before it.
"""

import os
import shutil
import subprocess
import time

import attr
from labgrid import target_factory
from labgrid.driver import Driver

# What the panel's screen has; the command line in `machine` gives QEMU the same.
WIDTH, HEIGHT = 1280, 800
# The range of an absolute axis in QEMU.
AXIS = 0x7FFF


def machine(
    folder, disk, tap, display="none", by="kernel", restarts=False, clock=None, log=None, initrd=None,
    secure=False, processors=2, besides=(),
):
    """QEMU's arguments beside the ones that labgrid's driver adds. `clock`: what the board's clock says at the
    start. `log`: a file for every write and flush of the disk, in order (replay.py). `secure`: Secure Boot.
    `besides`: further devices."""
    words = [
        # Before labgrid's own serial line: what the kernel and systemd say, for whoever looks for a reason, and
        # the door into a development image (shell.py).
        "-chardev", f"socket,id=serial,path={folder}/serial,server=on,wait=off,logfile={folder}/serial.log",
        "-serial", "chardev:serial",
        # What happens to the machine (monitor.py), and its processors (gdb.py).
        "-chardev", f"socket,id=events,path={folder}/monitor,server=on,wait=off",
        "-mon", "chardev=events,mode=control",
        "-chardev", f"socket,id=gdb,path={folder}/gdb,server=on,wait=off", "-gdb", "chardev:gdb",
        "-chardev", f"socket,id=tpm,path={folder}/tpm/socket",
        "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm",
        "-accel", "tcg,thread=multi,tb-size=512",
        "-smp", str(processors),
        "-nodefaults", *([] if restarts else ["-no-reboot"]),
        "-uuid", "5ca1ab1e-0000-4000-8000-00000000000a",
        *disk_words(disk, log),
        # It restarts the board when nobody has told it for too long that the system lives.
        "-device", "i6300esb", "-action", "watchdog=reset",
        "-device", "virtio-rng-pci",
        "-device", f"virtio-gpu-pci,xres={WIDTH},yres={HEIGHT}",
        # Its way to the cloud: QEMU's user network, where 10.0.2.2 is this machine's loopback.
        "-netdev", "user,id=user", "-device", "virtio-net-pci,netdev=user",
    ]
    if by == "firmware":
        words += firmware(folder, secure)
    else:
        words += ["-initrd", initrd or os.environ["CONCLAVE_HIL_INITRD"]]
    if clock:
        words += ["-rtc", f"base={clock}"]
    if tap:
        # Somebody else on the same wire as the room.
        words += ["-netdev", f"tap,id=tap,ifname={tap},script=no,downscript=no"]
        words += ["-device", "virtio-net-pci,netdev=tap,mac=52:54:00:c0:ec:1a"]
    # Fingers for tests; for people a pointer, which a viewer can move.
    words += ["-device", "virtio-multitouch-pci" if display == "none" else "virtio-tablet-pci"]
    if display != "none":
        words += ["-display", display]
    return " ".join([*words, *besides])


def disk_words(disk, log):
    """The disk. What its system has flushed is not flushed here: a test that ends this machine is none of ours."""
    words = [
        "-blockdev", f"driver=file,filename={disk},node-name=file,cache.no-flush=on",
        "-blockdev", "driver=raw,file=file,node-name=disk",
    ]
    if not log:
        return [*words, "-device", "virtio-blk-pci,drive=disk"]
    return [
        *words,
        "-blockdev", f"driver=file,filename={log},node-name=log,cache.no-flush=on",
        # The head of the log counts its entries: brought up to date with each, so that a kill leaves none out.
        "-blockdev", "driver=blklogwrites,node-name=logged,file=disk,log=log,"
        "log-sector-size=512,log-super-update-interval=1",
        # A disk that keeps writes in a cache of its own until it is told to flush it, as real ones do.
        "-device", "virtio-blk-pci,drive=logged,write-cache=on",
    ]


def firmware(folder, secure=False):
    """OVMF, with variables of its own: they are what says which slot comes next. With Secure Boot, nobody
    but the firmware itself writes them, and which keys it holds is in them (secure_boot.py)."""
    variables = os.path.join(folder, "firmware-variables.fd")
    if not os.path.exists(variables):
        shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
    code = f"/usr/share/OVMF/OVMF_CODE_4M{'.secboot' if secure else ''}.fd"
    alone = ["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]
    return [
        *(alone if secure else []),
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
        "-drive", f"if=pflash,unit=1,format=raw,file={variables}",
    ]


@target_factory.reg_driver
@attr.s(eq=False)
class VirtualBoard(Driver):
    """Fingers and pictures, by QEMU's monitor."""

    bindings = {"qemu": "QEMUDriver"}

    @Driver.check_active
    def picture(self, path):
        """The screen, as a PNG at `path`."""
        path = os.path.abspath(path)
        self.qemu.monitor_command("screendump", {"filename": path, "format": "png"})
        return path

    @Driver.check_active
    def touch(self, x, y):
        """A finger comes down at this pixel and leaves again."""
        place = {"x": x * AXIS // WIDTH, "y": y * AXIS // HEIGHT}
        finger = {"slot": 0, "tracking-id": 1}
        begin = dict(finger, type="begin", axis="x", value=0)
        at = [dict(finger, type="data", axis=axis, value=value) for axis, value in place.items()]
        end = dict(finger, type="end", axis="x", value=0)
        end["tracking-id"] = -1
        self._send([begin, *at])
        # The guest has to see the finger down before it is up: the two come as two frames.
        self._send([end])

    def _send(self, events):
        events = [{"type": "mtt", "data": event} for event in events]
        self.qemu.monitor_command("input-send-event", {"events": events})


class Tpm:
    """The board's TPM: swtpm, with its secrets in a folder. It ends when QEMU lets go of it."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "tpm")
        os.makedirs(self.folder, exist_ok=True)

    def start(self):
        """As often as the board is switched on."""
        socket = os.path.join(self.folder, "socket")
        if os.path.exists(socket):
            os.remove(socket)
        self.process = subprocess.Popen([
            "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}",
            "--ctrl", f"type=unixio,path={socket}", "--flags", "startup-clear", "--terminate",
            "--log", f"file={self.folder}/log,level=1",
        ])
        until("the TPM answers", 30, lambda: os.path.exists(socket))


class Tap:
    """The other end of the room's second cable, in this network namespace."""

    def __init__(self, name="conclave0"):
        self.name = name

    def __enter__(self):
        ip("tuntap", "add", self.name, "mode", "tap")
        ip("link", "set", self.name, "up")
        return self

    def __exit__(self, *_):
        ip("link", "delete", self.name)


def ip(*words):
    """iproute2, as root of this namespace."""
    subprocess.run(["ip", *words], check=True)


def until(what, limit, find):
    """Waits for `find` to find something; what is awaited is named when it never comes."""
    end = time.monotonic() + limit
    while True:
        found = find()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {limit} s")
        # Asking costs (a screendump, a process), and nothing tells us when to ask.
        time.sleep(1)


def copy(disk, to):
    """A copy of a disk; holes stay holes."""
    subprocess.run(["cp", "--sparse=always", disk, to], check=True)


def kill(board):
    """The power goes: the emulator is ended by its number, and is not asked before."""
    # labgrid has no word for it.
    process = board.qemu._child
    process.kill()
    process.wait()
    board.qemu._child, board.qemu.status = None, 0
