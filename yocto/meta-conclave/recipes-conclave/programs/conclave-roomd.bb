SUMMARY = "The room's daemon"
DESCRIPTION = "Camera, microphone and displays of the room, and its one link to the cloud. It calls out and never listens."
LICENSE = "Apache-2.0 | MIT"
LIC_FILES_CHKSUM = "\
    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://LICENSE-MIT;md5=a7ef1fbb34c57d69efa986110b45d9a9 \
"

require conclave-workspace.inc

# The sys crates ask pkg-config for these. SQLite is compiled in.
DEPENDS += "glib-2.0 gstreamer1.0 gstreamer1.0-plugins-base"

# All plugins: appliance/media tries encoders in turn, and a package `-meta` names every plugin of a set.
RDEPENDS:${PN} += "\
    gstreamer1.0 \
    gstreamer1.0-libav \
    gstreamer1.0-plugins-bad-meta \
    gstreamer1.0-plugins-base-meta \
    gstreamer1.0-plugins-good-meta \
    gstreamer1.0-plugins-ugly-meta \
"
