FILESEXTRAPATHS:prepend:raspberry-cm4 := "${CONCLAVE_KERNEL_FILES}:"

SRC_URI:append:raspberry-cm4 = " file://conclave.cfg"
