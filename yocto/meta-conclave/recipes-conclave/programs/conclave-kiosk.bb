SUMMARY = "The room's touch panel"
DESCRIPTION = "Draws what conclave-roomd says and sends taps back, on the screen itself, without a desktop."
LICENSE = "GPL-3.0-only"
LIC_FILES_CHKSUM = "file://ui-kiosk/LICENSE;md5=1ebbd3e34237af26da5dc08a4e440464"

require conclave-workspace.inc

# What Slint's linuxkms backend links. `virtual/libgbm` is mesa, or the vendor's on i.MX.
DEPENDS += "fontconfig libdrm libinput libxkbcommon udev virtual/libgbm"

# Without the layouts libxkbcommon gives up, though nobody types on a panel.
RDEPENDS:${PN} += "ttf-dejavu-sans xkeyboard-config"
