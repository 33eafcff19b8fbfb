SUMMARY = "A signed update of a room"
DESCRIPTION = "Boot partition and system slot in one RAUC bundle of the verity format."
LICENSE = "MIT"

inherit bundle

RAUC_BUNDLE_COMPATIBLE = "${CONCLAVE_COMPATIBLE}"
RAUC_BUNDLE_VERSION = "${CONCLAVE_VERSION}"
RAUC_BUNDLE_DESCRIPTION = "Conclave ${CONCLAVE_VERSION} for ${MACHINE}"
RAUC_BUNDLE_FORMAT = "verity"

# The classes of the slots in system.conf.
RAUC_BUNDLE_SLOTS = "system boot"

# The file with the hash tree; the one without it would be refused at the next boot.
RAUC_SLOT_system = "conclave-image"
RAUC_SLOT_system[file] = "${CONCLAVE_SYSTEM_FILE}"
RAUC_SLOT_system[rename] = "system.img"

RAUC_SLOT_boot = "conclave-boot"
RAUC_SLOT_boot[type] = "file"
RAUC_SLOT_boot[file] = "${CONCLAVE_BOOT_FILE}"
RAUC_SLOT_boot[rename] = "boot.vfat"

RAUC_KEY_FILE = "${CONCLAVE_KEYS}/update.key"
RAUC_CERT_FILE = "${CONCLAVE_KEYS}/update.crt"
RAUC_KEYRING_FILE = "${CONCLAVE_KEYS}/update-ca.crt"
