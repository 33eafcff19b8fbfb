FILESEXTRAPATHS:prepend:conclave := "${THISDIR}/files:"

SRC_URI:append:conclave = " file://conclave-init.cfg"
