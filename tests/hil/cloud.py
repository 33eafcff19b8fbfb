"""A real conclave-cloud in a folder of its own, on this machine's loopback."""

import json
import os
import subprocess

import screen
from board_virtual import until


class Cloud:
    """Started on a port that the system chooses; spoken to on its command line."""

    def __init__(self, folder):
        self.data = os.path.join(folder, "cloud")
        self.program = os.environ["CONCLAVE_HIL_CLOUD"]
        self.log = open(os.path.join(folder, "cloud.log"), "w")
        self.process = subprocess.Popen(
            [self.program, "serve", "--data", self.data, "--listen", "127.0.0.1:0", "--console", "off"],
            stdout=self.log, stderr=self.log,
        )
        self.port = until("the cloud says where it listens", 60, self._port)

    def _port(self):
        assert self.process.poll() is None, f"the cloud ended; see {self.log.name}"
        try:
            with open(os.path.join(self.data, "run.json")) as file:
                run = json.load(file)
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return int(run["link"][0].rsplit(":", 1)[1])

    def command(self, *words):
        """What a command prints."""
        done = subprocess.run(
            [self.program, *words, "--data", self.data], capture_output=True, text=True
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def claim(self, code, name):
        """Enrols the room with a code that was read from its panel, letter by letter: IT compares them when the
        cloud says that no room shows it."""
        for each in screen.alike(code):
            done = subprocess.run(
                [self.program, "room", "claim", each, "--name", name, "--data", self.data],
                capture_output=True, text=True,
            )
            if done.returncode == 0:
                return
            assert "no room shows this code" in done.stderr, done.stderr
        raise AssertionError(f"{code}: no room shows this code, nor one that looks like it")

    def pins(self):
        """The pins of its present and its backup key."""
        printed = self.command("pins").replace('"', " ").replace(",", " ")
        return [word for word in printed.split() if word.startswith("sha256:")]

    def room_configuration(self, host):
        """The site's part of a room's configuration: which cloud it belongs to."""
        return (
            f'[cloud]\nhost = "{host}"\nports = [{self.port}]\npins = {json.dumps(self.pins())}\n'
        )

    def rooms(self):
        """The rooms that it knows."""
        return json.loads(self.command("room", "list", "--json"))["rooms"]

    def stop(self):
        """Ends it."""
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()
