FILESEXTRAPATHS:prepend:imx8mp := "${CONCLAVE_UBOOT_FILES}:"

SRC_URI:append:imx8mp = " \
    file://conclave.cfg \
    file://writeable.patch \
    file://imx8mp.cfg \
"
