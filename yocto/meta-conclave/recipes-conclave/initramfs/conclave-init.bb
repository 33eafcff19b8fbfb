SUMMARY = "The first program of a room"
DESCRIPTION = "Which slot was started, is it what was signed, and on into it."
LICENSE = "Apache-2.0 | MIT"
LIC_FILES_CHKSUM = "\
    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://LICENSE-MIT;md5=a7ef1fbb34c57d69efa986110b45d9a9 \
"

PV = "${CONCLAVE_VERSION}"

CONCLAVE_REVISION ?= "${@oe.buildcfg.get_metadata_git_revision(d.getVar('CONCLAVE_WORKSPACE'))}"
SRC_URI = "git://${CONCLAVE_WORKSPACE};protocol=file;nobranch=1"
SRCREV = "${CONCLAVE_REVISION}"

inherit allarch

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -D -m 0755 "${S}/appliance/initramfs/init" "${D}/init"
    install -d "${D}/dev" "${D}/proc" "${D}/sys" "${D}/run" "${D}/root"
}

FILES:${PN} += "/dev /init /proc /root /run /sys"

RDEPENDS:${PN} = "busybox cryptsetup"
