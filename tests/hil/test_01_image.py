"""The image as a file: what is not in it, and what its services may do. Nothing is booted here."""

import os
import re
import subprocess

import pytest

# systemd's own measure of what a service may do, 0 (nothing) to 10 (everything).
EXPOSURE = 2.5

# Those of ours that run programs of ours or act for them. The two that make and open the data partition hold
# all of root's rights, at the start alone.
SERVICES = ["roomd", "kiosk", "slots", "restart"]

SYSTEM = os.path.join(os.path.dirname(__file__), "..", "..", "appliance", "system")
UNITS = os.path.join(SYSTEM, "usr", "lib", "systemd", "system")


@pytest.fixture(scope="module")
def paths():
    """Every path of the system slot."""
    image = os.path.join(os.path.dirname(os.environ["CONCLAVE_HIL_DISK"]), "system.img")
    printed = subprocess.run(
        ["unsquashfs", "-l", "-d", "", image], check=True, capture_output=True, text=True
    ).stdout
    return set(printed.split("\n"))


def test_a_production_image_has_no_shell_and_no_login(paths):
    assert "/usr/bin/conclave-roomd" in paths
    programs = r"(ba|da|z|k|mk|c|tc|rba)?sh|busybox|toybox|agetty|getty|login|sulogin|su|sudo|sshd"
    shells = re.compile(rf"bin/({programs})$")
    assert not [path for path in paths if shells.search(path)]


def test_nobody_in_it_has_a_password(paths):
    image = os.path.join(os.path.dirname(os.environ["CONCLAVE_HIL_DISK"]), "system.img")
    shadow = subprocess.run(
        ["unsquashfs", "-cat", image, "etc/shadow"], check=True, capture_output=True, text=True
    ).stdout
    for line in shadow.splitlines():
        name, password = line.split(":")[:2]
        assert password.startswith(("*", "!")), f"{name} can log in"


@pytest.mark.parametrize("unit", [f"conclave-{name}.service" for name in SERVICES])
def test_a_service_of_ours_may_do_little(unit):
    judged = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=yes",
         f"--threshold={EXPOSURE * 10:.0f}", os.path.join(UNITS, unit)],
        capture_output=True, text=True,
    )
    verdict = judged.stdout.strip().splitlines()[-1:]
    assert judged.returncode == 0, f"{verdict}\n{judged.stdout}{judged.stderr}"
