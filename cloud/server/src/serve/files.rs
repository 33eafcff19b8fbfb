//! How many files the cloud may have open: every link and every leg is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Files that are not links: the database, sockets of legs, connections that shake hands. With
/// fewer, a full hub would leave no descriptor for media.
const OTHERS: u64 = 1_024;

/// Links that the system has to allow for a small organisation; with fewer it is said loudly.
const FEW: usize = 500;

/// Takes as many files as the system gives, and says how many links they are good for.
pub(super) fn most_links() -> usize {
    let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) else { return usize::MAX };
    if let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, most, most) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let now = getrlimit(Resource::RLIMIT_NOFILE).map_or(most, |(now, _)| now);
    let links = links_of(now);
    if links < FEW {
        tracing::warn!(
            files = now,
            links,
            "the system allows few open files; raise LimitNOFILE of the service"
        );
    }
    links
}

/// Half of the files at least, so that a small limit does not mean no rooms at all.
fn links_of(files: u64) -> usize {
    usize::try_from(files.saturating_sub(OTHERS).max(files / 2)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_limit_is_shared_and_a_great_one_leaves_enough_for_the_rest() {
        assert_eq!(links_of(64), 32);
        assert_eq!(links_of(20_000), 18_976);
    }
}
