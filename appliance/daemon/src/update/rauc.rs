//! RAUC as the installer, over D-Bus: the interface `de.pengutronix.rauc.Installer`.
//!
//! Its service is started when it is spoken to and may end in between, so each call finds it anew;
//! only the connection to the bus is held.

use super::installer::{Installer, Mark};
use anyhow::{Context, bail};
use conclave_update::Bundle;
use futures_util::StreamExt;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use zbus::zvariant::Value;

/// RAUC says nothing more after this: it ended without a word. Its longest silence is one large
/// image between two percents, seconds on a slow disk.
const SILENCE: Duration = Duration::from_secs(600);
/// How often RAUC is asked whether it still works, while it says nothing.
const LOOK: Duration = Duration::from_secs(5);

#[zbus::proxy(
    interface = "de.pengutronix.rauc.Installer",
    default_service = "de.pengutronix.rauc",
    default_path = "/"
)]
trait Rauc {
    fn install_bundle(&self, source: &str, args: HashMap<&str, Value<'_>>) -> zbus::Result<()>;
    fn info(&self, bundle: &str) -> zbus::Result<(String, String)>;
    fn mark(&self, state: &str, slot_identifier: &str) -> zbus::Result<(String, String)>;
    #[zbus(signal)]
    fn completed(&self, result: i32) -> zbus::Result<()>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn operation(&self) -> zbus::Result<String>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn last_error(&self) -> zbus::Result<String>;
    #[zbus(property)]
    fn progress(&self) -> zbus::Result<(i32, String, i32)>;
    #[zbus(property(emits_changed_signal = "false"))]
    fn compatible(&self) -> zbus::Result<String>;
}

/// RAUC on one bus.
#[derive(Clone)]
pub(crate) struct Rauc {
    /// Where the bus is; `None`: the system's.
    bus: Option<Arc<str>>,
    connection: Arc<OnceCell<zbus::Connection>>,
}

impl Rauc {
    /// RAUC on the system's bus.
    pub(crate) fn of_this_system() -> Rauc {
        Rauc { bus: None, connection: Arc::default() }
    }

    /// RAUC on a bus of its own.
    #[cfg(test)]
    pub(crate) fn on(bus: &str) -> Rauc {
        Rauc { bus: Some(bus.into()), connection: Arc::default() }
    }

    async fn proxy(&self) -> anyhow::Result<RaucProxy<'static>> {
        let connect = || async {
            match &self.bus {
                None => zbus::Connection::system().await,
                Some(address) => zbus::connection::Builder::address(&**address)?.build().await,
            }
        };
        let connection = self.connection.get_or_try_init(connect).await;
        let connection = connection.context("the system's D-Bus cannot be reached")?;
        RaucProxy::new(connection).await.context("RAUC cannot be reached over D-Bus")
    }
}

impl Installer for Rauc {
    async fn compatible(&self) -> anyhow::Result<String> {
        Ok(self.proxy().await?.compatible().await?)
    }

    async fn inspect(&self, bundle: &Path) -> anyhow::Result<Bundle> {
        let told = self.proxy().await?.info(text(bundle)?).await;
        let (compatible, version) =
            told.context("RAUC does not take the bundle; its log says why")?;
        Ok(Bundle { version, compatible })
    }

    async fn install(
        &self,
        bundle: &Path,
        mut progress: impl FnMut(u8) + Send,
    ) -> anyhow::Result<()> {
        let rauc = self.proxy().await?;
        // It goes on when its caller is gone; this daemon may have been started again meanwhile.
        while rauc.operation().await? != "idle" {
            tokio::time::sleep(LOOK).await;
        }
        let mut completed = rauc.receive_completed().await?;
        let mut changes = rauc.receive_progress_changed().await;
        rauc.install_bundle(text(bundle)?, HashMap::new()).await?;
        let mut silent = Duration::ZERO;
        let result = loop {
            tokio::select! {
                biased;
                signal = completed.next() => match signal {
                    Some(signal) => break *signal.args()?.result(),
                    None => bail!("the bus ended"),
                },
                Some(change) = changes.next() => {
                    silent = Duration::ZERO;
                    // It says 100 at the end of each attempt, also of one that failed and of the one
                    // before this: the end is told by its signal.
                    if let Ok((percent @ 0..100, _, _)) = change.get().await {
                        progress(u8::try_from(percent).unwrap_or(0));
                    }
                }
                () = tokio::time::sleep(LOOK) => {
                    silent += LOOK;
                    let works = rauc.operation().await.is_ok_and(|now| now != "idle");
                    if silent >= SILENCE || !works {
                        bail!("RAUC ended without saying how it went");
                    }
                }
            }
        };
        if result != 0 {
            let why = rauc.last_error().await.unwrap_or_default();
            bail!("RAUC says: {why}");
        }
        Ok(())
    }

    async fn mark(&self, mark: Mark) -> anyhow::Result<()> {
        let rauc = self.proxy().await?;
        let steps: &[(&str, &str)] = match mark {
            Mark::Good => &[("good", "booted")],
            // The other slot first: whatever happens in between, there is one to start.
            Mark::FallBack => &[("active", "other"), ("bad", "booted")],
            Mark::Undo => &[("active", "booted")],
        };
        for (state, slot) in steps {
            let (slot, said) = rauc.mark(state, slot).await?;
            tracing::info!(slot, state, said, "marked");
        }
        Ok(())
    }
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the path of the bundle is not text")
}

#[cfg(test)]
#[path = "rauc_tests.rs"]
mod tests;
