FILESEXTRAPATHS:prepend:imx8mp := "${CONCLAVE_KERNEL_FILES}:"

SRC_URI:append:imx8mp = " file://conclave.cfg"
