"""Firmware that starts what one certificate has signed, and kernel images that it should not start."""

import os
import subprocess
import sys

# Whose keys these are: any GUID, the same for all three.
OWNER = "5ca1ab1e-0000-4000-8000-00000000000b"
# Where both boot partitions begin (xtask/src/image/disk.rs).
ESP_MIB = (1, 97)
# Both names of the kernel image: what the firmware starts by itself, and what the entries of slots name.
PLACES = ("EFI/BOOT/BOOTX64.EFI", "EFI/conclave/conclave.efi")
IMAGE = os.path.dirname(os.environ["CONCLAVE_HIL_DISK"])
CERTIFICATE = os.path.join(IMAGE, "..", "keys", "secure-boot.crt")


def enrol(folder):
    """Variables for a board in this folder: Secure Boot is on, and its only certificate is ours."""
    key = [OWNER, CERTIFICATE]
    subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "virt-fw-vars"),
         "--input", "/usr/share/OVMF/OVMF_VARS_4M.fd",
         "--output", os.path.join(folder, "firmware-variables.fd"),
         "--set-pk", *key, "--add-kek", *key, "--add-db", *key, "--sb"],
        check=True,
    )


def put(kernel, disk):
    """Writes a kernel image over those of both slots."""
    for mib in ESP_MIB:
        for place in PLACES:
            subprocess.run(["mcopy", "-o", "-i", f"{disk}@@{mib}M", kernel, f"::/{place}"], check=True)


def shipped(folder):
    """A copy of the signed kernel image."""
    copy = os.path.join(folder, "conclave.efi")
    subprocess.run(["cp", os.path.join(IMAGE, "conclave.efi"), copy], check=True)
    return copy


def with_one_octet_changed(folder):
    """In the command line: what somebody would change who wants a shell."""
    copy = shipped(folder)
    with open(os.path.join(IMAGE, "command-line"), "rb") as file:
        line = file.read()
    with open(copy, "r+b") as file:
        whole = file.read()
        assert whole.count(line) == 1
        file.seek(whole.index(line))
        file.write(bytes([line[0] ^ 1]))
    return copy


def without_signature(folder):
    """As it was before it was signed."""
    copy = shipped(folder)
    subprocess.run(["sbattach", "--remove", copy], check=True)
    checked = subprocess.run(["sbverify", "--list", copy], capture_output=True, text=True)
    assert "No signature table present" in checked.stdout + checked.stderr
    return copy
