"""The sound of the emulated room: what its microphone hears, in real time, from a PulseAudio of our own, and what
its loudspeaker plays, into it. And whether somebody speaks in what was recorded.
"""

import functools
import math
import os
import random
import struct
import subprocess
import threading

from board_virtual import until

RATE = 48000
# What is searched for a voice, a sixth of that: its pitch is far below.
SLOWER = 6
# Pitches of a voice, in Hz.
LOWEST, HIGHEST = 80, 250


@functools.cache
def voice(seconds=8):
    """Something like speech, as samples: syllables of changing pitch, length and vowel, and pauses. A note, or whatever
    else goes on as it is, a room's noise suppression takes for a fan and takes out."""
    chance, samples = random.Random(1), []
    while len(samples) < seconds * RATE:
        length, pitch = chance.uniform(0.12, 0.3), chance.uniform(100, 180)
        rise, formants = chance.uniform(-0.3, 0.3), (chance.uniform(300, 800), chance.uniform(900, 2300))
        phase, count = 0.0, round(length * RATE)
        for n in range(count):
            now = pitch * (1 + rise * n / count)
            phase += now / RATE
            tones = (
                math.sin(2 * math.pi * phase * k) * sum(1 / (1 + ((now * k - f) / 150) ** 2) for f in formants)
                for k in range(1, 20)
            )
            samples.append(round(5000 * math.sin(math.pi * n / count) * sum(tones)))
        samples += [0] * round(chance.choice((0.05, 0.08, 0.3)) * RATE)
    return [max(-32000, min(32000, sample)) for sample in samples]


class Sound:
    """A sound server with a sink that the room's microphone hears and one that its loudspeaker plays into."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "sound")
        os.makedirs(self.folder)
        self.socket = os.path.join(self.folder, "socket")
        self.home = dict(os.environ, HOME=self.folder, XDG_RUNTIME_DIR=self.folder)
        self.server = self.speaker = None

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
        # Two seconds in hand: with what QEMU takes by itself the stream was seen to stand still after some seconds.
        both = [f"{way}.{word}" for way in ("in", "out")
                for word in ("try-poll=off", f"frequency={RATE}", "channels=2", "format=s16", "fixed-settings=on",
                             "buffer-length=2000000")]
        return [
            "-audiodev", ",".join(["alsa,id=sound", "in.dev=heard", "out.dev=played", *both]),
            "-device", "intel-hda", "-device", "hda-duplex,audiodev=sound,mixer=off",
        ]

    def play(self):
        """From now on the microphone hears a voice, until it is told to be silent."""
        self.speaker = subprocess.Popen(
            ["pacat", "--playback", "--server", f"unix:{self.socket}", "--device=microphone", "--raw",
             "--format=s16le", f"--rate={RATE}", "--channels=1", "--latency-msec=100"],
            env=self.home, stdin=subprocess.PIPE,
        )
        samples = voice()
        spoken = struct.pack(f"<{len(samples)}h", *samples)

        def feed(pipe):
            try:
                while True:
                    pipe.write(spoken)  # It blocks until the server wants more.
            except (BrokenPipeError, ValueError):
                pass

        threading.Thread(target=feed, args=(self.speaker.stdin,), daemon=True).start()

    def be_silent(self):
        """The microphone hears nothing."""
        if self.speaker:
            self.speaker.terminate()
            self.speaker.wait(timeout=30)
            self.speaker = None


def voiced(samples):
    """How much of a recording is a voice's, 0 to 1: how alike it is to itself one period of a pitch later, 40 ms at a
    time, loud ones the more. Noise has 0.13; what an emulated board sends of a voice, 0.4, for pieces are missing."""
    samples = samples[::SLOWER]
    rate = RATE // SLOWER
    block, lags = rate // 25, range(rate // HIGHEST, rate // LOWEST)
    alike = all_of_it = 0.0
    for start in range(0, len(samples) - block - lags.stop + 1, block):
        here = samples[start : start + block]
        power = sum(sample * sample for sample in here)
        if power == 0:
            continue
        all_of_it += power
        alike += max(0, *(
            sum(a * b for a, b in zip(here, later)) * power
            / math.sqrt(power * max(1, sum(b * b for b in later)))
            for later in (samples[start + lag : start + lag + block] for lag in lags)
        ))
    return alike / all_of_it if all_of_it > 0 else 0.0


def loudness(samples):
    """Root of the mean square, of 32768."""
    return math.sqrt(sum(sample * sample for sample in samples) / max(len(samples), 1))


def speaks(samples):
    """Whether somebody speaks in a recording: how much of it is the voice's, or nothing."""
    share = voiced(samples)
    return share if share > 0.3 and loudness(samples) > 100 else None
