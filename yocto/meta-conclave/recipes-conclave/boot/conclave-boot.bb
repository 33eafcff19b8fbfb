SUMMARY = "What the firmware starts, as the file system of a boot partition"
DESCRIPTION = "UEFI: a signed unified kernel image. Other boards: the signed FIT of conclave-fit. The same octets go into both slots; which one was started tells the firmware, or U-Boot."
LICENSE = "GPL-2.0-only"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/GPL-2.0-only;md5=801f80980d171dd6425610833a22dbe6"

CONCLAVE_FIRMWARE = "${@bb.utils.contains('MACHINE_FEATURES', 'efi', 'uefi', 'fit', d)}"

INHIBIT_DEFAULT_DEPS = "1"
DEPENDS = "dosfstools-native mtools-native ${@bb.utils.contains('MACHINE_FEATURES', 'efi', 'os-release systemd-boot-native virtual/cross-binutils', '', d)}"

S = "${UNPACKDIR}"
B = "${WORKDIR}/build"

inherit deploy nopackages

PACKAGE_ARCH = "${MACHINE_ARCH}"

require conf/image-uefi.conf

# Smaller than the partition in files/wic.
CONCLAVE_BOOT_KIB ?= "96000"

# All that the kernel is told. It is inside the signature: whoever stands at the machine cannot add to it.
CONCLAVE_COMMAND_LINE ?= "quiet panic=10 lockdown=integrity systemd.gpt_auto=0 ${CONCLAVE_BOARD_COMMAND_LINE}"
CONCLAVE_BOARD_COMMAND_LINE ?= ""

do_configure[noexec] = "1"

do_compile() {
    boot="${B}/${CONCLAVE_BOOT_FILE}"
    rm -f "$boot"
    # A fixed serial number of the volume: the same sources give the same octets.
    mkfs.vfat -F 32 -n CONCLAVE -i c0c1a7e0 --invariant -C "$boot" ${CONCLAVE_BOOT_KIB}
    case "${CONCLAVE_FIRMWARE}" in
    uefi)
        for file in secure-boot.key secure-boot.crt; do
            [ -r "${CONCLAVE_KEYS}/$file" ] || bbfatal "${CONCLAVE_KEYS}/$file is not there: yocto/README.md, 'Keys'"
        done
        command -v sbsign >/dev/null || bbfatal "sbsign signs the kernel and is not on this machine: yocto/README.md, 'What the machine needs'"
        # Two names: the first is what the firmware's entries say, which conclave-slots makes at the
        # first start; the second is what a firmware starts that has no entry yet.
        ukify build \
            --efi-arch ${EFI_ARCH} \
            --stub "${DEPLOY_DIR_IMAGE}/linux${EFI_ARCH}.efi.stub" \
            --linux "${DEPLOY_DIR_IMAGE}/${KERNEL_IMAGETYPE}" \
            --initrd "${DEPLOY_DIR_IMAGE}/conclave-initramfs-${MACHINE}.cpio.zst" \
            --cmdline "${CONCLAVE_COMMAND_LINE}" \
            --os-release "@${RECIPE_SYSROOT}${nonarch_libdir}/os-release" \
            --secureboot-private-key "${CONCLAVE_KEYS}/secure-boot.key" \
            --secureboot-certificate "${CONCLAVE_KEYS}/secure-boot.crt" \
            --output "${B}/conclave.efi"
        # The same sources, the same octets: the time that is in the file system is that of the sources.
        touch -d "@${SOURCE_DATE_EPOCH}" "${B}/conclave.efi"
        mmd -i "$boot" ::/EFI ::/EFI/BOOT ::/EFI/conclave
        mcopy -m -i "$boot" "${B}/conclave.efi" ::/EFI/conclave/conclave.efi
        mcopy -m -i "$boot" "${B}/conclave.efi" ::/EFI/BOOT/BOOTX64.EFI
        ;;
    fit)
        cp "${DEPLOY_DIR_IMAGE}/fitImage" "${B}/conclave.fit"
        touch -d "@${SOURCE_DATE_EPOCH}" "${B}/conclave.fit"
        mcopy -m -i "$boot" "${B}/conclave.fit" ::/conclave.fit
        ;;
    esac
}
do_compile[depends] += "${@'systemd-boot:do_deploy virtual/kernel:do_deploy conclave-initramfs:do_image_complete' if d.getVar('CONCLAVE_FIRMWARE') == 'uefi' else 'conclave-fit:do_deploy'}"
do_compile[cleandirs] = "${B}"

do_install[noexec] = "1"

do_deploy() {
    install -m 0644 "${B}/${CONCLAVE_BOOT_FILE}" "${DEPLOYDIR}/"
}
addtask deploy after do_compile before do_build
