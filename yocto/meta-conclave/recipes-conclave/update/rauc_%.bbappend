FILESEXTRAPATHS:prepend:conclave := "${THISDIR}/files:"

SRC_URI:append:class-target:conclave = " file://booted-slot.conf"

do_install:append:class-target:conclave() {
    install -D -m 0644 "${UNPACKDIR}/booted-slot.conf" "${D}${systemd_system_unitdir}/rauc.service.d/booted-slot.conf"
}

FILES:${PN}-service:append:class-target:conclave = " ${systemd_system_unitdir}/rauc.service.d"
