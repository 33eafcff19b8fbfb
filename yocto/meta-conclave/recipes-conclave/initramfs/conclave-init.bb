SUMMARY = "The first program of a room"
DESCRIPTION = "Which slot was started, is it what was signed, and on into it."
LICENSE = "Apache-2.0 | MIT"
LIC_FILES_CHKSUM = "\
    file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10 \
    file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302 \
"

SRC_URI = "file://init"
S = "${UNPACKDIR}"

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -D -m 0755 "${UNPACKDIR}/init" "${D}/init"
    install -d "${D}/dev" "${D}/proc" "${D}/sys" "${D}/run" "${D}/root"
}

FILES:${PN} += "/dev /init /proc /root /run /sys"

RDEPENDS:${PN} = "busybox cryptsetup"
