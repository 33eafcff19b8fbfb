SUMMARY = "Kernel, device trees and initial RAM disk in one signed file"
DESCRIPTION = "For boards that start by U-Boot, which holds the public key and starts nothing else."
LICENSE = "GPL-2.0-only"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/GPL-2.0-only;md5=801f80980d171dd6425610833a22dbe6"

# The class reads it; nothing else in this distribution sets it, so that no kernel waits for an image.
INITRAMFS_IMAGE = "conclave-initramfs"

inherit linux-kernel-base kernel-fit-image

# A machine without U-Boot has no use for it, and the class skips it there.
