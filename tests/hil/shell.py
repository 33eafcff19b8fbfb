"""The root shell at the serial port of a development image. What cannot be done to a room from outside is done
here, and never in the image as it is shipped: that has no shell (test_01_image.py).
"""

import os
import re
import socket
import threading

from board_virtual import until

# Bash's signs for whoever looks at a terminal.
COLOURS = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\r")

# Octets that are kept of what was printed.
MOST_HEARD = 1 << 20


class Shell:
    """One line in, what it printed out."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(os.path.join(folder, "serial"))
        self.heard, self.lock = b"", threading.Lock()
        self.lines = 0
        # Read all the time: a line that nobody empties holds up whatever writes to it, a whole shutdown too.
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self, limit):
        """Until somebody is logged in there. Asked again and again: what is typed before is lost."""

        def answers():
            # The sum is not in what is echoed.
            self.socket.sendall(b"echo the-shell-$((40 + 2))\n")
            return b"the-shell-42" in self.hear()

        until("the shell answers", limit, answers)
        # What the kernel says would stand in the middle of an answer.
        self.run("dmesg --console-off")
        self.run("PS1= PROMPT_COMMAND=; stty -echo; bind 'set enable-bracketed-paste off'")

    def hear(self):
        """Everything that was printed so far and not asked for yet."""
        return COLOURS.sub(b"", self.heard)

    def _listen(self):
        try:
            while octets := self.socket.recv(65536):
                with self.lock:
                    self.heard = (self.heard + octets)[-MOST_HEARD:]
        except OSError:
            pass  # The board is off.

    def run(self, command, limit=120):
        """Runs a line of bash; what it printed. It has to succeed."""
        self.lines += 1
        with self.lock:
            self.heard = b""
        # In two halves, so that the line as it is echoed is not taken for its end.
        end = f"end-{self.lines}"
        self.socket.sendall(f"{command}; echo e''nd-{self.lines}=$?=\n".encode())
        ended = re.compile(rf"^(.*){end}=(\d+)=".encode(), re.DOTALL)
        found = until(f"`{command}` ends", limit, lambda: ended.search(self.hear()))
        printed = found[1].decode(errors="replace")
        assert found[2] == b"0", f"`{command}` ended with {found[2].decode()}: {printed}"
        return printed.strip()
