SUMMARY = "Where U-Boot keeps the order of the slots"
DESCRIPTION = "RAUC changes it through libubootenv, which finds it by this file."
LICENSE = "Apache-2.0 | MIT"
LIC_FILES_CHKSUM = "\
    file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10 \
    file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302 \
"

SRC_URI = "file://fw_env.config"
S = "${UNPACKDIR}"

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -D -m 0644 "${UNPACKDIR}/fw_env.config" "${D}${sysconfdir}/fw_env.config"
}
