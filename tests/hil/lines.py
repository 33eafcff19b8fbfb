"""The virtual board's simulated lines (gpio-sim), by a shell inside: what its light shows, and fingers on its
buttons. board/virtual-x86_64/README.md says which line is what.
"""

BANK = "/sys/kernel/config/gpio-sim/board"
GREEN, RED, MUTE, RESET, PRESENCE = range(5)


class Lines:
    """The lines of a room whose shell this is."""

    def __init__(self, shell):
        self.shell = shell
        self.place = shell.run(
            f"echo /sys/devices/platform/$(cat {BANK}/dev_name)/$(cat {BANK}/bank/chip_name)"
        )

    def light(self):
        """Whether green and red are on."""
        values = self.shell.run(f"cat {self.place}/sim_gpio{GREEN}/value {self.place}/sim_gpio{RED}/value")
        return tuple(value == "1" for value in values.split())

    def press(self, line, seconds=1):
        """A finger stays on a button for so long: the level has to stand for the debounce time."""
        pull = f"{self.place}/sim_gpio{line}/pull"
        self.shell.run(f"echo pull-up > {pull}; sleep {seconds}; echo pull-down > {pull}")
