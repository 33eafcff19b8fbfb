SUMMARY = "The system slot of a room"
DESCRIPTION = "A read-only root with its hash tree. Nothing of it is written when the room runs."
LICENSE = "MIT"

inherit image

# Named one by one, and not from a group of packages: what is not here is not in the room.
IMAGE_INSTALL = "\
    alsa-state \
    base-files \
    base-passwd \
    ca-certificates \
    conclave-clock \
    conclave-kiosk \
    conclave-reset \
    conclave-roomd \
    conclave-system \
    dbus \
    e2fsprogs-mke2fs \
    kernel-modules \
    netbase \
    os-release \
    rauc \
    rauc-conf \
    systemd \
    systemd-crypt \
    systemd-networkd \
    tzdata \
    udev \
    ${MACHINE_EXTRA_RDEPENDS} \
    ${MACHINE_ESSENTIAL_EXTRA_RDEPENDS} \
    ${CONCLAVE_BOARD_PACKAGES} \
    ${@'busybox shadow util-linux-agetty' if d.getVar('CONCLAVE_DEVELOPMENT') == '1' else ''} \
"
# What only one board needs; its machine file says it.
CONCLAVE_BOARD_PACKAGES ?= ""
# It would call every boot a good one. conclave-roomd does that, once the room is healthy.
BAD_RECOMMENDATIONS += "rauc-mark-good"
PACKAGE_EXCLUDE += "rauc-mark-good"

IMAGE_FEATURES = "read-only-rootfs ${@'allow-empty-password allow-root-login empty-root-password' if d.getVar('CONCLAVE_DEVELOPMENT') == '1' else ''}"
IMAGE_LINGUAS = "en-us fr-fr"

ROOTFS_POSTPROCESS_COMMAND:append = " conclave_fstab conclave_preset conclave_no_login"

conclave_fstab() {
    mv "${IMAGE_ROOTFS}${datadir}/conclave/fstab" "${IMAGE_ROOTFS}${sysconfdir}/fstab"
}

# OpenEmbedded enables whatever a package brings; with the presets of appliance/system nothing else is started.
conclave_preset() {
    systemctl --root="${IMAGE_ROOTFS}" --preset-mode=full preset-all
}

# A production image has no login and no shell: no getty, no rescue shell, and nothing to run in one.
# With kas/development.yml there is a login on the second screen (Ctrl-Alt-F2; the panel has the first).
conclave_no_login() {
    if [ "${CONCLAVE_DEVELOPMENT}" = "1" ]; then
        install -d "${IMAGE_ROOTFS}${sysconfdir}/systemd/system/getty.target.wants"
        ln -sf "${systemd_system_unitdir}/getty@.service" \
            "${IMAGE_ROOTFS}${sysconfdir}/systemd/system/getty.target.wants/getty@tty2.service"
        return
    fi
    for unit in getty.target emergency.service rescue.service debug-shell.service; do
        ln -sf /dev/null "${IMAGE_ROOTFS}${sysconfdir}/systemd/system/$unit"
    done
    for shell in sh ash bash busybox busybox.nosuid busybox.suid dash hush login sulogin su; do
        rm -f "${IMAGE_ROOTFS}${bindir}/$shell" "${IMAGE_ROOTFS}${sbindir}/$shell" \
            "${IMAGE_ROOTFS}${base_bindir}/$shell" "${IMAGE_ROOTFS}${base_sbindir}/$shell"
    done
}
