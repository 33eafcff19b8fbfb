//! What the room needs of whatever installs bundles and knows the slots.

use conclave_update::Bundle;
use std::future::Future;
use std::path::Path;

/// What the boot loader is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The running slot is good and stays.
    Good,
    /// The running slot is bad; the other one is started next.
    FallBack,
    /// The running slot is started next, and not the one that was just installed.
    Undo,
}

/// Installs bundles and marks slots.
pub(crate) trait Installer: Clone + Send + Sync + 'static {
    /// What this board is, as bundles name it.
    fn compatible(&self) -> impl Future<Output = anyhow::Result<String>> + Send;

    /// Checks a bundle's signature, and says what it says of itself.
    fn inspect(&self, bundle: &Path) -> impl Future<Output = anyhow::Result<Bundle>> + Send;

    /// Installs a bundle into the slot that is not running; `progress` hears percents.
    fn install(
        &self,
        bundle: &Path,
        progress: impl FnMut(u8) + Send,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Tells the boot loader.
    fn mark(&self, mark: Mark) -> impl Future<Output = anyhow::Result<()>> + Send;
}
