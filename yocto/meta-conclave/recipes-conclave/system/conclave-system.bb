SUMMARY = "What a room's image holds besides programs"
DESCRIPTION = "The tree in appliance/system, as it is in every image: units, firewall, users, presets; and the description of the board."
LICENSE = "Apache-2.0 | MIT"
LIC_FILES_CHKSUM = "\
    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://LICENSE-MIT;md5=a7ef1fbb34c57d69efa986110b45d9a9 \
"

PV = "${CONCLAVE_VERSION}"

CONCLAVE_REVISION ?= "${@oe.buildcfg.get_metadata_git_revision(d.getVar('CONCLAVE_WORKSPACE'))}"
SRC_URI = "\
    git://${CONCLAVE_WORKSPACE};protocol=file;nobranch=1 \
    file://nftables.service \
"
SRCREV = "${CONCLAVE_REVISION}"

inherit useradd

# One file of it is the board's.
PACKAGE_ARCH = "${MACHINE_ARCH}"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

# The users and groups of usr/lib/sysusers.d/conclave.conf: the system slot is read-only, so they are made here.
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system conclave; --system gpio"
USERADD_PARAM:${PN} = "\
    --system --no-create-home --home-dir ${localstatedir}/lib/conclave --gid conclave --shell /sbin/nologin conclave-room; \
    --system --no-create-home --home-dir / --gid conclave --shell /sbin/nologin conclave-panel \
"

do_install() {
    cp -R --no-dereference --preserve=mode "${S}/appliance/system/etc" "${S}/appliance/system/usr" "${D}/"
    chown -R root:root "${D}"
    # No clock is set to before it.
    echo "${SOURCE_DATE_EPOCH}" > "${D}${nonarch_libdir}/conclave/built"
    # Where the site's partition is mounted.
    install -d "${D}/site"
    # OpenEmbedded's nftables comes without a unit.
    install -D -m 0644 "${UNPACKDIR}/nftables.service" "${D}${systemd_system_unitdir}/nftables.service"
    install -m 0644 "${S}/board/${MACHINE}/board.toml" "${D}${nonarch_libdir}/conclave/board.toml"
    # The base files bring their own, and the image takes ours: see conclave-image.
    install -d "${D}${datadir}/conclave"
    mv "${D}${sysconfdir}/fstab" "${D}${datadir}/conclave/fstab"
}

FILES:${PN} += "${prefix}/lib /site"

RDEPENDS:${PN} = "cryptsetup nftables systemd"
