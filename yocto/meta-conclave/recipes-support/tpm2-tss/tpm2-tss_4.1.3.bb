SUMMARY = "How systemd speaks to the TPM"
DESCRIPTION = "The TCG's software stack, without its key store: systemd-cryptsetup seals the data partition's key with it."
HOMEPAGE = "https://github.com/tpm2-software/tpm2-tss"
SECTION = "libs"
LICENSE = "BSD-2-Clause"
LIC_FILES_CHKSUM = "file://LICENSE;md5=500b2e742befc3da00684d8a1d5fd9da"

DEPENDS = "openssl"

SRC_URI = "https://github.com/tpm2-software/tpm2-tss/releases/download/${PV}/tpm2-tss-${PV}.tar.gz"
SRC_URI[sha256sum] = "37f1580200ab78305d1fc872d89241aaee0c93cbe85bc559bf332737a60d3be8"

CVE_PRODUCT = "tpm2_software_stack"

inherit autotools pkgconfig

# The kernel's resource manager is enough: no user, no service, no key store of its own.
EXTRA_OECONF = "\
    --disable-doxygen-doc \
    --disable-fapi \
    --disable-policy \
    --with-udevrulesdir=${nonarch_base_libdir}/udev/rules.d \
"

PACKAGES =+ "libtss2-tcti-device libtss2"
# systemd opens the transport by name, so it is a package of its own.
FILES:libtss2-tcti-device += "${libdir}/libtss2-tcti-device.so.*"
FILES:libtss2 += "${libdir}/libtss2-*.so.*"
FILES:${PN} += "${nonarch_libdir} ${nonarch_base_libdir}/udev"
