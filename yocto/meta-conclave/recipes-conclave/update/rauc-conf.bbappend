FILESEXTRAPATHS:prepend := "${THISDIR}/files:"
FILESEXTRAPATHS:append = ":${CONCLAVE_KEYS}"

# Whose signature an update needs.
RAUC_KEYRING_FILE = "update-ca.crt"

# What keeps the order of the slots; a machine file says `uboot` where the firmware cannot.
CONCLAVE_RAUC_BOOTLOADER ?= "efi"

PACKAGE_ARCH = "${MACHINE_ARCH}"

do_install:append() {
    sed -i -e 's/@COMPATIBLE@/${CONCLAVE_COMPATIBLE}/' -e 's/@BOOTLOADER@/${CONCLAVE_RAUC_BOOTLOADER}/' \
        "${D}${nonarch_libdir}/rauc/system.conf"
}
