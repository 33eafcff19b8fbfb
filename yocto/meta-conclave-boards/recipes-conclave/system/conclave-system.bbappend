# The lines of a Raspberry Pi are reached through the memory of its pins as well: board/raspberry-cm4.

FILESEXTRAPATHS:prepend:raspberry-cm4 := "${THISDIR}/files:"
SRC_URI:append:raspberry-cm4 = " \
    file://gpiomem.conf \
    file://71-conclave-gpiomem.rules \
"

do_install:append:raspberry-cm4() {
    install -D -m 0644 "${UNPACKDIR}/gpiomem.conf" "${D}${systemd_system_unitdir}/conclave-roomd.service.d/gpiomem.conf"
    install -D -m 0644 "${UNPACKDIR}/71-conclave-gpiomem.rules" "${D}${nonarch_libdir}/udev/rules.d/71-conclave-gpiomem.rules"
}
