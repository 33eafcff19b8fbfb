FILESEXTRAPATHS:prepend:raspberry-cm4 := "${THISDIR}/files:"

SRC_URI:append:raspberry-cm4 = " \
    file://conclave.cfg \
    file://writeable.patch \
    file://raspberry-cm4.cfg \
"
