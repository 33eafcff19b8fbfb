"""The board's processors, stopped from outside as a debugger does: QEMU's gdb stub (GDB's manual, appendix E,
"Remote Serial Protocol"). Just enough of it to freeze a kernel.
"""

import socket

# Where x86-64's registers stand in GDB's list (gdb/features/i386/64bit-core.xml).
RIP, FLAGS, CODE = 16, 17, 18
# The processor takes interrupts (Intel's manual, volume 1, section 3.4.3).
INTERRUPTS = 1 << 9
# jmp to itself: where a program stood, which may not halt.
LOOP = bytes([0xEB, 0xFE])
# hlt, and jmp back to it: where the kernel stood. The same to whoever waits for it, and the machine that emulates
# it gets its processors back.
HALT = bytes([0xF4, 0xEB, 0xFD])


class Debugger:
    """One conversation with the stub; the machine stands still while it lasts."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Detached, the machine goes on.
        self.ask("D")
        self.stream.close()
        self.socket.close()

    def ask(self, packet):
        """Sends a packet and returns the answer to it."""
        octets = packet.encode()
        self.socket.sendall(b"$" + octets + b"#" + f"{sum(octets) % 256:02x}".encode())
        while True:
            begin = self.stream.read(1)
            assert begin, "the stub has hung up"
            if begin != b"$":
                # An acknowledgement.
                continue
            answer = b""
            while (octet := self.stream.read(1)) != b"#":
                answer += octet
            self.stream.read(2)
            self.socket.sendall(b"+")
            # Who stopped, and why, comes unasked when the conversation begins.
            if not answer.startswith((b"T", b"S")) or packet.startswith("?"):
                return answer.decode()

    def processors(self):
        """Their numbers."""
        answer = self.ask("qfThreadInfo")
        found = []
        while answer.startswith("m"):
            found += answer[1:].split(",")
            answer = self.ask("qsThreadInfo")
        return found

    def register(self, number, size):
        """Of the processor that was chosen."""
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}"))[:size], "little")

    def done(self, packet):
        """Something that is answered with OK."""
        answer = self.ask(packet)
        assert answer == "OK", f"{packet}: {answer}"


def freeze(path):
    """Puts every processor into a loop that it never leaves, with interrupts off. The machine stays switched
    on; nothing in it moves any more."""
    with Debugger(path) as debugger:
        for processor in debugger.processors():
            debugger.done(f"Hg{processor}")
            place = debugger.register(RIP, 8)
            flags = debugger.register(FLAGS, 4) & ~INTERRUPTS
            loop = LOOP if debugger.register(CODE, 4) & 3 else HALT
            debugger.done(f"M{place:x},{len(loop):x}:{loop.hex()}")
            debugger.done(f"P{FLAGS:x}={flags.to_bytes(4, 'little').hex()}")
