//! What is told of the console's certificate: to the command line, and in the metrics.

use super::browsers::Open;
use crate::acme::{self, Told};
use crate::config::Config;
use crate::console::certificate::{Shown, leaf};
use crate::control::{CertificateLine, CertificateOrder, CertificateSource};
use crate::data_folder::DataFolder;
use crate::metrics::CertificateTotals;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The console's certificate, and whoever gets another one.
pub(super) struct Certificate {
    shown: Arc<Shown>,
    /// Where it came from at the start.
    from: CertificateSource,
    told: Option<Told>,
}

impl Certificate {
    /// Of a console that is open. Has an authority asked for another one, where the configuration names one.
    pub(super) fn of(
        open: &Open,
        config: &Config,
        folder: &DataFolder,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> anyhow::Result<Certificate> {
        let start = |config| acme::start(config, folder, open.shown.clone(), tasks, stop.clone());
        let told = config.acme.as_ref().map(start).transpose()?;
        Ok(Certificate { shown: open.shown.clone(), from: open.from, told })
    }

    /// For whoever asks.
    pub(super) fn line(&self) -> CertificateLine {
        let status = self.told.as_ref().map(Told::now);
        let from = match status.as_ref().and_then(|status| status.good_until) {
            Some(_) => CertificateSource::Authority,
            None => self.from,
        };
        let (life, names) = leaf(&self.shown.now()).unzip();
        let order = status.map(|status| {
            let (trouble, again_at) = status.trouble.unzip();
            CertificateOrder { names: status.names, trouble, again_at }
        });
        CertificateLine {
            from,
            names: names.unwrap_or_default().into_iter().collect(),
            good_until: life.map(|life| life.ends),
            order,
        }
    }

    /// For the metrics.
    pub(super) fn totals(&self) -> CertificateTotals {
        let status = self.told.as_ref().map(Told::now);
        CertificateTotals {
            good_until: leaf(&self.shown.now()).map(|(life, _)| life.ends),
            orders: status.map(|status| vec![("got", status.got), ("failed", status.failed)]),
        }
    }
}
