SUMMARY = "Finds the slot, checks it, goes into it"
DESCRIPTION = "The initial RAM disk. It carries the root hash of one system slot and is signed together with the kernel."
LICENSE = "MIT"

inherit image

PACKAGE_INSTALL = "busybox conclave-init cryptsetup"
PACKAGE_EXCLUDE = "kernel-image-*"
# cryptsetup recommends udev, and that brings systemd.
NO_RECOMMENDATIONS = "1"
IMAGE_INSTALL = ""
IMAGE_FEATURES = ""
IMAGE_LINGUAS = ""
IMAGE_FSTYPES = "cpio.zst"
IMAGE_NAME_SUFFIX = ""
IMAGE_ROOTFS_EXTRA_SPACE = "0"

# The hash has to be known before it can be signed: first the slot, then this, then what boots.
do_rootfs[depends] += "conclave-image:do_image_complete"
ROOTFS_POSTPROCESS_COMMAND:append = " conclave_root_hash"

conclave_root_hash() {
    install -D -m 0644 "${DEPLOY_DIR_IMAGE}/${CONCLAVE_VERITY_PARAMETERS}" \
        "${IMAGE_ROOTFS}${sysconfdir}/conclave/verity"
}
