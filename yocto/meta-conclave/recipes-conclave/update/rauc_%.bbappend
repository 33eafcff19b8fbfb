FILESEXTRAPATHS:prepend := "${THISDIR}/files:"

SRC_URI:append:class-target = " file://booted-slot.conf"

do_install:append:class-target() {
    install -D -m 0644 "${UNPACKDIR}/booted-slot.conf" "${D}${systemd_system_unitdir}/rauc.service.d/booted-slot.conf"
}

FILES:${PN}-service:append:class-target = " ${systemd_system_unitdir}/rauc.service.d"
