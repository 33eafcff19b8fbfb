"""The image as a file: what is not in it, and what its services may do. Nothing is booted here."""

import hashlib
import os
import re
import subprocess

import pytest
from spdx_tools.spdx.model import RelationshipType
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

# systemd's own measure of what a service may do, 0 (nothing) to 10 (everything).
EXPOSURE = 2.5

# Those of ours that run programs of ours or act for them. The two that make and open the data partition hold
# all of root's rights, at the start alone.
SERVICES = ["roomd", "kiosk", "slots", "came-up", "restart", "reset", "clock"]

SYSTEM = os.path.join(os.path.dirname(__file__), "..", "..", "appliance", "system")
UNITS = os.path.join(SYSTEM, "usr", "lib", "systemd", "system")


# What an image is made of is written beside it.
IMAGE = os.path.dirname(os.environ["CONCLAVE_HIL_DISK"])
PROGRAMS = ["conclave-roomd", "conclave-kiosk", "conclave-slots", "conclave-reset", "conclave-clock"]


@pytest.fixture(scope="module")
def bill():
    """The bill of materials."""
    return parse_file(os.path.join(IMAGE, "conclave.spdx.json"))


def test_the_bill_of_materials_is_spdx(bill):
    assert validate_full_spdx_document(bill) == []
    # First that a flaw is found: a package that relationships name, and which is not there.
    missing = bill.packages.pop()
    try:
        assert validate_full_spdx_document(bill) != []
    finally:
        bill.packages.append(missing)


def test_every_package_of_debian_is_in_the_bill(bill):
    # By dpkg itself, of the tree that the image was made of: the image has no dpkg and no list.
    tree = os.path.join(IMAGE, "..", "root", "var", "lib", "dpkg")
    listed = subprocess.run(
        ["dpkg-query", f"--admindir={tree}", "--show", "--showformat",
         "${Package} ${Version} ${db:Status-Abbrev}\n"],
        check=True, capture_output=True, text=True,
    ).stdout
    installed = {tuple(line.split()[:2]) for line in listed.splitlines() if line.endswith("ii ")}
    assert len(installed) > 100, "that is no list of an image"
    named = {(package.name, package.version) for package in bill.packages}
    assert not installed - named


def test_the_bill_names_our_programs_as_they_are_in_the_image(bill):
    for name in PROGRAMS:
        program = subprocess.run(
            ["unsquashfs", "-cat", os.path.join(IMAGE, "system.img"), f"usr/bin/{name}"],
            check=True, capture_output=True,
        ).stdout
        [package] = [each for each in bill.packages if each.file_name == f"usr/bin/{name}"]
        [sum] = package.checksums
        assert sum.value == hashlib.sha256(program).hexdigest(), name
        linked = [
            each for each in bill.relationships
            if each.spdx_element_id == package.spdx_id
            and each.relationship_type == RelationshipType.STATIC_LINK
        ]
        assert linked, f"{name} is made of nothing"


@pytest.fixture(scope="module")
def paths():
    """Every path of the system slot."""
    image = os.path.join(IMAGE, "system.img")
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
    image = os.path.join(IMAGE, "system.img")
    shadow = subprocess.run(
        ["unsquashfs", "-cat", image, "etc/shadow"], check=True, capture_output=True, text=True
    ).stdout
    for line in shadow.splitlines():
        name, password = line.split(":")[:2]
        assert password.startswith(("*", "!")), f"{name} can log in"


def test_no_public_name_server_is_asked(paths):
    # A drop-in of the distribution's own could name some again.
    ours = "/usr/lib/systemd/resolved.conf.d/conclave.conf"
    files = [path for path in paths if re.search(r"systemd/resolved\.conf(\.d/.+)?$", path)]
    assert ours in files
    for path in files:
        text = subprocess.run(
            ["unsquashfs", "-cat", os.path.join(IMAGE, "system.img"), path.lstrip("/")],
            check=True, capture_output=True, text=True,
        ).stdout
        named = re.findall(r"^\s*(?:Fallback)?DNS\s*=(.*)$", text, re.MULTILINE)
        assert "".join(named).strip() == "", path
        assert path != ours or named, "left out, the servers are those that systemd was built with"


def test_everybody_may_read_what_is_laid_ready_for_our_programs():
    listed = subprocess.run(
        ["unsquashfs", "-lln", "-d", "", os.path.join(IMAGE, "system.img"), "usr/lib/conclave"],
        check=True, capture_output=True, text=True,
    ).stdout
    lines = [line for line in listed.splitlines() if "/usr/lib/conclave/" in line]
    assert any(line.endswith("gstreamer-registry.bin") for line in lines)
    # Type, owner, group, others: they are other users than root, whose the files are.
    assert [line for line in lines if line[7] != "r"] == []


@pytest.mark.parametrize("unit", [f"conclave-{name}.service" for name in SERVICES])
def test_a_service_of_ours_may_do_little(unit):
    judged = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=yes",
         f"--threshold={EXPOSURE * 10:.0f}", os.path.join(UNITS, unit)],
        capture_output=True, text=True,
    )
    verdict = judged.stdout.strip().splitlines()[-1:]
    assert judged.returncode == 0, f"{verdict}\n{judged.stdout}{judged.stderr}"
