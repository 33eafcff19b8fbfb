FILESEXTRAPATHS:prepend:conclave := "${THISDIR}/../../../../appliance/rauc:${CONCLAVE_KEYS}:"

# Whose signature an update needs.
RAUC_KEYRING_FILE:conclave = "update-ca.crt"

PACKAGE_ARCH:conclave = "${MACHINE_ARCH}"

do_install:append:conclave() {
    sed -i -e 's/@COMPATIBLE@/${CONCLAVE_COMPATIBLE}/' -e 's/@BOOTLOADER@/${CONCLAVE_RAUC_BOOTLOADER}/' \
        -e 's#@KEYRING@#${nonarch_libdir}/rauc/update-ca.crt#' \
        "${D}${nonarch_libdir}/rauc/system.conf"
}
