//! What the tests boot, and what they update it to.

use crate::image::{self, Image, Kind, Plan};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The release that rooms are updated to in the tests: the same system by another name.
const NEXT: &str = "1000.0.0";
/// One whose daemon ends at once.
const BROKEN: &str = "1000.0.1";

/// What is to be built.
pub(super) struct Wanted<'a> {
    pub(super) workspace: &'a Path,
    /// Where the room's programs stand.
    pub(super) programs: &'a Path,
    /// The two releases too.
    pub(super) updates: bool,
    /// A development image too, for what only a shell inside can bring about.
    pub(super) development: bool,
}

/// What was built.
pub(super) struct Built {
    image: Image,
    /// The bundles of both releases.
    updates: Option<(PathBuf, PathBuf)>,
    /// The development image's folder.
    development: Option<PathBuf>,
}

impl Built {
    /// As the tests are told of it.
    pub(super) fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        let Built { image, updates, development } = self;
        let mut all = vec![
            ("CONCLAVE_HIL_DISK", image.disk.clone()),
            ("CONCLAVE_HIL_KERNEL", image.kernel.clone()),
            ("CONCLAVE_HIL_INITRD", image.initrd.clone()),
            ("CONCLAVE_HIL_COMMAND_LINE_FILE", image.command_line.clone()),
        ];
        if let Some((next, broken)) = updates {
            all.push(("CONCLAVE_HIL_NEXT", NEXT.into()));
            all.push(("CONCLAVE_HIL_NEXT_BUNDLE", next.clone()));
            all.push(("CONCLAVE_HIL_BROKEN", BROKEN.into()));
            all.push(("CONCLAVE_HIL_BROKEN_BUNDLE", broken.clone()));
        }
        all.extend(development.clone().map(|folder| ("CONCLAVE_HIL_DEVELOPMENT", folder)));
        all
    }
}

/// Builds it, or finds that what is there is still right.
pub(super) fn build(wanted: &Wanted<'_>) -> Result<Built> {
    let programs = wanted.programs;
    let of = |kind: Kind, release: &str, programs: &Path| Plan {
        kind,
        cloud: None,
        release: release.to_owned(),
        keys: image::keys(wanted.workspace, None),
        fresh: false,
        programs: Some(programs.to_owned()),
        workspace: wanted.workspace.to_owned(),
    };
    let image = image::build(&of(Kind::Production, image::RELEASE, programs))?;
    let development = match wanted.development {
        true => {
            let image = image::build(&of(Kind::Development, image::RELEASE, programs))?;
            image.disk.parent().map(Path::to_owned)
        }
        false => None,
    };
    let updates = match wanted.updates {
        true => {
            let next = image::build_update(&of(Kind::Production, NEXT, programs))?;
            let broken = without_a_daemon(programs, &wanted.workspace.join("target/hil/broken"))?;
            Some((next, image::build_update(&of(Kind::Production, BROKEN, &broken))?))
        }
        false => None,
    };
    Ok(Built { image, updates, development })
}

/// The same programs in a folder of their own, but for a daemon that ends at once.
fn without_a_daemon(programs: &Path, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    for name in image::PROGRAMS {
        let from = match name {
            // It ends at once where it is not root.
            "conclave-roomd" => programs.join("conclave-slots"),
            name => programs.join(name),
        };
        fs::copy(&from, folder.join(name))
            .with_context(|| format!("{} cannot be copied", from.display()))?;
    }
    Ok(folder.to_owned())
}
