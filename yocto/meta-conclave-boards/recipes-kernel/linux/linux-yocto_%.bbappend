FILESEXTRAPATHS:prepend:intel-n100 := "${CONCLAVE_KERNEL_FILES}:${THISDIR}/files:"

COMPATIBLE_MACHINE:intel-n100 = "^intel-n100$"
# The kernel's metadata for ordinary 64-bit PCs.
KMACHINE:intel-n100 = "common-pc-64"

SRC_URI:append:intel-n100 = " \
    file://conclave.cfg \
    file://conclave-uefi.cfg \
    file://intel-n100.cfg \
"
