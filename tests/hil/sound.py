"""The sound of the emulated room: what its microphone hears, in real time, from a PulseAudio of our own, and what
its loudspeaker plays, into it. And how loud one tone is in what was recorded.
"""

import math
import os
import struct
import subprocess
import threading

from board_virtual import until

RATE = 48000
# A note that comes and goes: what is always there is taken for a fan, and taken out.
TONE, ON, OFF = 1000, 0.25, 0.25


class Sound:
    """A sound server with a sink that the room's microphone hears and one that its loudspeaker plays into."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "sound")
        os.makedirs(self.folder)
        self.socket = os.path.join(self.folder, "socket")
        self.home = dict(os.environ, HOME=self.folder, XDG_RUNTIME_DIR=self.folder)
        self.server = self.tone = None

    def __enter__(self):
        sinks = [f"--load=module-null-sink sink_name={name} rate={RATE}" for name in ("microphone", "loudspeaker")]
        door = f"--load=module-native-protocol-unix socket={self.socket} auth-anonymous=1"
        self.server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", *sinks, door],
            env=self.home, stderr=open(os.path.join(self.folder, "log"), "w"),
        )
        until("the sound server is there", 30, lambda: os.path.exists(self.socket))
        # QEMU speaks ALSA; ALSA's plugin speaks to the server.
        with open(os.path.join(self.folder, "asound.conf"), "w") as file:
            for name, device in (("heard", "microphone.monitor"), ("played", "loudspeaker")):
                file.write(f'pcm.{name} {{ type pulse server "unix:{self.socket}" device "{device}" }}\n')
        os.environ["ALSA_CONFIG_PATH"] = os.path.join(self.folder, "asound.conf")
        return self

    def __exit__(self, *_):
        self.be_silent()
        del os.environ["ALSA_CONFIG_PATH"]
        self.server.terminate()
        self.server.wait(timeout=30)

    def words(self):
        """QEMU's arguments: a sound card that hears and plays there."""
        both = [f"{way}.{word}" for way in ("in", "out")
                for word in ("try-poll=off", f"frequency={RATE}", "channels=2", "format=s16", "fixed-settings=on")]
        return [
            "-audiodev", ",".join(["alsa,id=sound", "in.dev=heard", "out.dev=played", *both]),
            "-device", "virtio-sound-pci,audiodev=sound",
        ]

    def play(self):
        """From now on the microphone hears the note, until it is told to be silent."""
        self.tone = subprocess.Popen(
            ["pacat", "--playback", "--server", f"unix:{self.socket}", "--device=microphone", "--raw",
             "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=100"],
            env=self.home, stdin=subprocess.PIPE,
        )
        wave = [round(12000 * math.sin(2 * math.pi * TONE * n / RATE)) for n in range(round(ON * RATE))]
        note = struct.pack(f"<{len(wave)}h", *wave) + bytes(2 * round(OFF * RATE))

        def feed(pipe):
            try:
                while True:
                    pipe.write(note)  # It blocks until the server wants more.
            except (BrokenPipeError, ValueError):
                pass

        threading.Thread(target=feed, args=(self.tone.stdin,), daemon=True).start()

    def be_silent(self):
        """The microphone hears nothing."""
        if self.tone:
            self.tone.terminate()
            self.tone.wait(timeout=30)
            self.tone = None


def share_of_tone(samples):
    """How much of a recording's power is the note, 0 to 1: Goertzel's filter, 10 ms at a time: an
    emulated processor loses most of the sound, and what comes comes in pieces of 20 ms."""
    block, tone, all_of_it = RATE // 100, 0.0, 0.0
    turn = 2 * math.cos(2 * math.pi * TONE / RATE)
    for start in range(0, len(samples) - block + 1, block):
        before, last = 0.0, 0.0
        for sample in samples[start : start + block]:
            before, last = last, sample + turn * last - before
            all_of_it += sample * sample
        tone += (last * last + before * before - turn * last * before) * 2 / block
    return tone / all_of_it if all_of_it > 0 else 0.0


def loudness(samples):
    """Root of the mean square, of 32768."""
    return math.sqrt(sum(sample * sample for sample in samples) / max(len(samples), 1))
