//! The traps of yocto/ are not in ours; and each check finds the mistake that it is for.

use conclave_layers::graph::workspace_folder;
use conclave_layers::yocto::{self, Files};
use std::process::Command;

#[test]
fn no_trap_is_in_our_layers() {
    let wrong = yocto::check(&yocto::of_workspace().unwrap());
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// A small set of layers in which everything is right.
fn right() -> Files {
    let part = |name: &str, file: &str| {
        format!("part --source rawcopy --sourceparams=\"file={file}\" --part-name {name}\n")
    };
    let wks = [
        part("conclave-esp-a", "boot.vfat"),
        part("conclave-esp-b", "boot.vfat"),
        part("conclave-system-a", "${CONCLAVE_SYSTEM_FILE}"),
        part("conclave-system-b", "${CONCLAVE_SYSTEM_FILE}"),
        "part --fstype none --part-name conclave-key\n".to_owned(),
    ]
    .concat();
    let uboot = "part --fstype none --part-name conclave-uboot --offset 72M\n";
    let slot = |class: &str, number: u8, label: &str, rest: &str| {
        format!("[slot.{class}.{number}]\ndevice=/dev/disk/by-partlabel/{label}\n{rest}\n")
    };
    let rauc = [
        "[system]\nbootloader=efi\n".to_owned(),
        slot("system", 0, "conclave-system-a", "bootname=conclave_a"),
        slot("boot", 0, "conclave-esp-a", "parent=system.0"),
        slot("system", 1, "conclave-system-b", "bootname=conclave_b"),
        slot("boot", 1, "conclave-esp-b", "parent=system.1"),
    ]
    .concat();
    let files = [
        ("Cargo.toml", "[workspace.package]\nversion = \"1.2.3\"\n"),
        ("yocto/meta-x/conf/layer.conf", "LAYERSERIES_COMPAT_x = \"wrynose\"\n"),
        (
            "yocto/meta-x/conf/distro/x.conf",
            "CONCLAVE_VERSION = \"1.2.3\"\nDISTRO_FEATURES:append = \" efi rauc\"\n\
             IMAGE_CLASSES += \"image_types_verity\"\nIMAGE_FSTYPES = \"verity\"\n\
             CONCLAVE_SYSTEM_FILE = \"x.squashfs.verity\"\nINHERIT += \"vex\" # not cve-checking\n",
        ),
        ("yocto/meta-x/files/wic/one.wks.in", wks.as_str()),
        ("yocto/meta-x/files/wic/two.wks.in", &format!("{uboot}{wks}")),
        ("appliance/rauc/system.conf", &rauc),
        (
            "yocto/meta-x/recipes-x/update/bundle.bb",
            "RAUC_BUNDLE_FORMAT = \"verity\"\nRAUC_BUNDLE_SLOTS = \"system boot\"\n\
             RAUC_SLOT_system[file] = \"${CONCLAVE_SYSTEM_FILE}\"\n",
        ),
        (
            "yocto/meta-x/recipes-x/u-boot/files/x.cfg",
            "CONFIG_ENV_SIZE=0x4000\nCONFIG_ENV_OFFSET=0x4800000\nCONFIG_ENV_OFFSET_REDUND=0x4804000\n\
             CONFIG_BOOTCOMMAND=\"${BOOT_conclave_a_LEFT} ${BOOT_conclave_b_LEFT}\"\n",
        ),
        (
            "yocto/kas/common.yml",
            "repos:\n  ours:\n    layers:\n      yocto/meta-x:\n  meta-rauc:\n    url: https://git.example.org/meta-rauc\n    \
             branch: wrynose\n    commit: 38da0e5866a953e664001ba90b5edad68d68cd5d\n    layers:\n      meta:\n\
             env:\n  ACCEPT_FSL_EULA: \"0\"\n",
        ),
        (
            "appliance/system/usr/lib/systemd/system/x.service",
            "After=dev-disk-by\\x2dpartlabel-conclave\\x2dkey.device\nWhat=/dev/disk/by-partlabel/conclave-data\n",
        ),
        ("appliance/system/usr/lib/conclave/repart/50-data.conf", "Label=conclave-data\n"),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// `from` becomes `to` in the one file whose path ends so, and then the checks say `about`.
fn planted(file: &str, from: &str, to: &str, about: &str) {
    let mut files = right();
    let found = files.iter_mut().find(|(path, _)| path.ends_with(file));
    let (_, text) = found.expect("each test names a file of the small set");
    assert!(text.contains(from), "{file} has no {from:?}");
    *text = text.replace(from, to);
    expect(&files, about);
}

fn expect(files: &Files, about: &str) {
    let wrong = yocto::check(files);
    assert!(
        wrong.iter().any(|sentence| sentence.contains(about)),
        "{about:?} is not in {wrong:#?}"
    );
}

#[test]
fn layers_in_which_everything_is_right_are_left_alone() {
    assert_eq!(yocto::check(&right()), Vec::<String>::new());
}

#[test]
fn a_wks_file_where_wic_does_not_look_is_found() {
    for place in [
        "yocto/meta-x/wic/",
        "yocto/meta-x/scripts/lib/wic/",
        "yocto/files/wic/",
        "yocto/meta-x/files/wic/old/",
    ] {
        let mut files = right();
        let text = files.remove("yocto/meta-x/files/wic/two.wks.in").unwrap();
        files.insert(format!("{place}two.wks.in"), text);
        expect(&files, "wic looks for it in <layer>/files/wic/");
    }
}

#[test]
fn a_verity_type_without_its_class_in_the_same_file_is_found() {
    planted("x.conf", "IMAGE_CLASSES += \"image_types_verity\"\n", "", "so nobody makes it");
    planted("x.conf", "IMAGE_CLASSES", "# IMAGE_CLASSES", "so nobody makes it");
    let mut files = right();
    let class = "IMAGE_CLASSES += \"image_types_verity\"\n";
    let text = files["yocto/meta-x/conf/distro/x.conf"].replace(class, "");
    files.insert("yocto/meta-x/conf/distro/x.conf".to_owned(), text);
    files.insert("yocto/meta-x/conf/machine/y.conf".to_owned(), class.to_owned());
    expect(&files, "distro/x.conf: lists verity and not");
}

#[test]
fn a_verity_type_in_a_recipe_and_none_at_all_are_found() {
    planted(
        "bundle.bb",
        "RAUC_BUNDLE_FORMAT",
        "IMAGE_FSTYPES += \"verity\"\nRAUC_BUNDLE_FORMAT",
        "belongs into a machine's",
    );
    planted(
        "x.conf",
        "IMAGE_FSTYPES = \"verity\"",
        "IMAGE_FSTYPES = \"squashfs\"",
        "would have no hash tree",
    );
}

#[test]
fn a_root_that_wic_makes_itself_is_found() {
    let rawcopy = "--source rawcopy --sourceparams=\"file=${CONCLAVE_SYSTEM_FILE}\" --part-name conclave-system-b";
    let rootfs = "--source rootfs --fstype=squashfs --part-name conclave-system-b";
    planted(
        "one.wks.in",
        rawcopy,
        rootfs,
        "--source rootfs makes a file system without a hash tree",
    );
    planted("one.wks.in", "part --fstype none", "part / --source=rootfs", "without a hash tree");
}

#[test]
fn a_raw_copy_of_the_file_without_a_hash_tree_is_found() {
    planted(
        "one.wks.in",
        "${CONCLAVE_SYSTEM_FILE}",
        "x.squashfs",
        "is not a rawcopy of the verity file",
    );
    planted("x.conf", "x.squashfs.verity", "x.squashfs", "is not a rawcopy of the verity file");
    planted("bundle.bb", "${CONCLAVE_SYSTEM_FILE}", "x.squashfs", "RAUC_SLOT_system[file] is not");
    planted(
        "bundle.bb",
        "FORMAT = \"verity\"",
        "FORMAT = \"plain\"",
        "RAUC_BUNDLE_FORMAT is not verity",
    );
}

#[test]
fn a_distribution_without_rauc_is_found() {
    planted("x.conf", "efi rauc", "efi", "no distribution has rauc");
    planted(
        "x.conf",
        "DISTRO_FEATURES:append",
        "DISTRO_FEATURES_OPTED_OUT:append",
        "no distribution has rauc",
    );
}

#[test]
fn sources_in_the_old_folder_are_found() {
    for old in ["S = \"${WORKDIR}/git\"\n", "S=\"${WORKDIR}/git\"\n", "S ?= \"${WORKDIR}/git\"\n"] {
        planted(
            "bundle.bb",
            "RAUC_BUNDLE_FORMAT",
            &format!("{old}RAUC_BUNDLE_FORMAT"),
            "unpacked to UNPACKDIR",
        );
    }
}

#[test]
fn cve_check_is_found_and_what_only_looks_like_it_is_not() {
    planted("x.conf", "\"vex\"", "\"vex cve-check\"", "cve-check is gone");
    planted(
        "bundle.bb",
        "RAUC_BUNDLE_FORMAT",
        "inherit cve-check\nRAUC_BUNDLE_FORMAT",
        "cve-check is gone",
    );
    let mut files = right();
    files.get_mut("yocto/kas/common.yml").unwrap().push_str("# no cve-check\nx: sbom-cve-check\n");
    assert_eq!(yocto::check(&files), Vec::<String>::new());
}

#[test]
fn poky_and_layers_that_nobody_chose_are_found() {
    planted("common.yml", "  meta-rauc:", "  poky:", "none of the layers");
    planted("common.yml", "org/meta-rauc", "org/poky", "none of the layers");
}

#[test]
fn a_layer_without_its_branch_or_its_commit_is_found() {
    planted("common.yml", "branch: wrynose", "branch: master", "not on its branch wrynose");
    planted("common.yml", "    branch: wrynose\n", "", "not on its branch wrynose");
    planted("common.yml", "meta-rauc:", "bitbake:", "not on its branch 2.18");
    planted("common.yml", "38da0e5866", "38da0e", "not locked at one commit");
    planted(
        "layer.conf",
        "\"wrynose\"",
        "\"whinlatter wrynose\"",
        "LAYERSERIES_COMPAT is not wrynose",
    );
    let mut files = right();
    let other = files["yocto/kas/common.yml"].replace("38da", "48da");
    files.insert("yocto/kas/z.yml".to_owned(), other);
    expect(&files, "meta-rauc is at another commit");
}

#[test]
fn a_slot_of_rauc_that_the_disk_does_not_have_is_found() {
    planted(
        "system.conf",
        "conclave-system-b",
        "conclave-root-b",
        "which yocto/meta-x/files/wic/one.wks.in has not",
    );
    planted(
        "system.conf",
        "conclave-system-b",
        "conclave-root-b",
        "conclave-system-b is no slot of system.conf",
    );
    planted("one.wks.in", "conclave-esp-b", "conclave-esp-c", "conclave-esp-c is no slot");
    planted(
        "system.conf",
        "/dev/disk/by-partlabel/conclave-esp-a",
        "/dev/sda1",
        "not named by its partition's label",
    );
}

#[test]
fn slots_that_are_crossed_are_found() {
    planted("system.conf", "bootname=conclave_b", "bootname=conclave_a", "of the other slot");
    planted("system.conf", "parent=system.1", "parent=system.0", "of the other slot");
    planted("bundle.bb", "\"system boot\"", "\"system\"", "the bundle has");
}

#[test]
fn boards_with_different_layouts_are_found() {
    planted(
        "two.wks.in",
        "--part-name conclave-key",
        "--part-name conclave-key --fixed-size 2M",
        "differ in what is the same",
    );
}

#[test]
fn a_boot_loader_that_counts_other_slots_or_looks_elsewhere_is_found() {
    planted("x.cfg", "BOOT_conclave_b_LEFT", "BOOT_b_LEFT", "does not know conclave_b");
    planted("two.wks.in", "--offset 72M", "--offset 73M", "does not begin where");
    planted("x.cfg", "0x4804000", "0x4808000", "does not follow the first");
}

#[test]
fn a_unit_that_waits_for_a_partition_nobody_makes_is_found() {
    planted("x.service", "conclave\\x2dkey", "conclave\\x2dkeys", "wants conclave-keys");
    planted("50-data.conf", "conclave-data", "data", "wants conclave-data");
}

#[test]
fn a_vendors_licence_that_we_accept_for_others_is_found() {
    planted("common.yml", "EULA: \"0\"", "EULA: \"1\"", "accepted by whoever builds");
}

#[test]
fn another_version_than_the_workspace_is_found() {
    planted("x.conf", "1.2.3", "1.2.4", "the workspace is Some(\"1.2.3\")");
}

/// systemd does not start a service whose group is not there, and udev gives a device to nobody.
#[test]
fn the_group_of_lines_is_made_in_every_image() {
    let read = |path: &str| std::fs::read_to_string(workspace_folder().join(path)).unwrap();
    for (path, line) in [
        ("appliance/system/usr/lib/sysusers.d/conclave.conf", "\ng gpio "),
        ("appliance/system/usr/lib/udev/rules.d/70-conclave.rules", "GROUP=\"gpio\""),
        (
            "appliance/system/usr/lib/systemd/system/conclave-roomd.service",
            "\nSupplementaryGroups=video audio render gpio\n",
        ),
        ("yocto/meta-conclave/recipes-conclave/system/conclave-system.bb", "--system gpio\""),
    ] {
        assert!(read(path).contains(line), "{path} has no {line:?}");
    }
}

/// Left out, the servers are those that whoever built systemd named.
#[test]
fn no_image_asks_a_public_name_server() {
    let asks = system_lines("resolved.conf", "DNS=");
    assert_eq!(asks, ["MulticastDNS=no", "FallbackDNS="]);
}

/// Left out, lines go when they fill their place alone.
#[test]
fn a_journal_is_kept_for_a_month() {
    assert_eq!(system_lines("journald.conf", "MaxRetentionSec"), ["MaxRetentionSec=1month"]);
}

/// Lines of the tree that every image gets, without comments.
fn system_lines(file: &str, with: &str) -> Vec<String> {
    let files = yocto::of_workspace().expect("the tree is in the repository");
    let of = files.iter().filter(|(path, _)| path.contains(file));
    let lines = of.flat_map(|(_, text)| text.lines());
    lines.filter(|line| !line.starts_with('#') && line.contains(with)).map(str::to_owned).collect()
}

/// bitbake says so too, but only when it builds.
#[test]
fn licences_are_those_whose_checksums_the_recipes_have() {
    for (path, text) in yocto::of_workspace().unwrap() {
        for entry in text.split("file://").skip(1) {
            let entry = entry.split(['"', ' ', '\n']).next().unwrap();
            let Some((file, sum)) = entry.split_once(";md5=") else { continue };
            let licence = workspace_folder().join(file);
            if file.starts_with('$') || !path.contains("/meta-conclave/recipes-conclave/") {
                continue;
            }
            let output = Command::new("md5sum").arg(&licence).output().unwrap();
            let is = String::from_utf8(output.stdout).unwrap();
            assert!(is.starts_with(sum), "{path}: {file} has {is}");
        }
    }
}
