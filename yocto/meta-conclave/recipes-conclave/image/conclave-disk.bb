SUMMARY = "The disk of a new room"
DESCRIPTION = "Both slots with the same system, and nothing yet where the room will write. This is what is flashed."
LICENSE = "MIT"

inherit image

# It is laid out from files that are ready: no package goes into it.
IMAGE_INSTALL = ""
PACKAGE_INSTALL = ""
IMAGE_FEATURES = ""
IMAGE_LINGUAS = ""
IMAGE_FSTYPES = "wic.zst wic.bmap"

do_image_wic[depends] += "conclave-boot:do_deploy conclave-image:do_image_complete"
