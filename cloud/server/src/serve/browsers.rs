//! The console's listener, and the link for the first administrator.

use super::link::Shared;
use crate::config::{ConsoleConfig, ConsoleListen};
use crate::console::certificate::Shown;
use crate::console::{self, Desk};
use crate::control::CertificateSource;
use crate::data_folder::DataFolder;
use crate::switchboard::Switchboard;
use anyhow::Context;
use conclave_directory::Token;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A console that is open.
pub(super) struct Open {
    /// What links to it begin with.
    pub(super) url: String,
    /// The certificate that it shows.
    pub(super) shown: Arc<Shown>,
    /// Where that comes from.
    pub(super) from: CertificateSource,
}

/// Opens the console where the configuration wants it: behind a port of the link's, when `shared` brings who comes by that.
pub(super) async fn open(
    folder: &DataFolder,
    config: &ConsoleConfig,
    shared: Option<Shared>,
    desk: Desk,
    (tasks, stop, workers): (&TaskTracker, &CancellationToken, &Handle),
) -> anyhow::Result<Option<Open>> {
    let ConsoleListen::At(listen) = config.listen else { return Ok(None) };
    let files = config.files().map_err(anyhow::Error::msg)?;
    let (entrance, address) = match shared {
        Some(Shared { address, others }) => (console::Entrance::Shared(others), address),
        None => {
            let listener = TcpListener::bind(listen).await.with_context(|| {
                format!(
                    "the console cannot be served on {listen}: stop what uses that port, or set another one \
                     with 'console.listen', or \"off\" there"
                )
            })?;
            let address = listener.local_addr()?;
            (console::Entrance::Own(listener), address)
        }
    };
    let host = config.url.as_ref().map_or_else(|| host(address.ip()), |url| url.host().into());
    let tls = console::certificate::load(folder, files, &host)?;
    if let Some(fingerprint) = tls.fingerprint {
        tracing::info!(
            fingerprint,
            "the console has a certificate of its own making: a browser warns, and shows this SHA-256"
        );
    }
    let from = match files {
        Some(_) => CertificateSource::Files,
        None => CertificateSource::OwnMaking,
    };
    let url = config.url.as_ref().map(|url| url.as_str().to_owned());
    let url = url.unwrap_or_else(|| format!("https://{}", SocketName(&host, address)));
    console::serve(entrance, tls.config, desk.reached_at(&url), tasks, stop.clone(), workers);
    Ok(Some(Open { url, shown: tls.shown, from }))
}

/// What a browser elsewhere calls this machine: its name, where the address is every one of its own.
fn host(address: IpAddr) -> String {
    let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    match name {
        Some(name) if address.is_unspecified() && !name.is_empty() => name,
        _ => address.to_string(),
    }
}

/// A host with a port, as an address on the web has them (RFC 3986, 3.2.2).
struct SocketName<'a>(&'a str, SocketAddr);

impl fmt::Display for SocketName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SocketName(host, address) = self;
        match host.parse::<IpAddr>() {
            Ok(_) => write!(f, "{address}"),
            Err(_) => write!(f, "{host}:{}", address.port()),
        }
    }
}

/// While nobody has an account, whoever starts the cloud gets a link for the first administrator. On standard output
/// and not in the log, which others read too.
pub(super) fn offer_set_up(board: &mut Switchboard, console: &str) -> anyhow::Result<()> {
    if !board.waits_for_first_administrator()? {
        return Ok(());
    }
    let mut octets = [0; 32];
    let filled = SystemRandom::new().fill(&mut octets);
    filled.map_err(|_| anyhow::anyhow!("the system gives no random octets"))?;
    let token = Token::from_random(octets);
    board.set_up_with(token.hash());
    let link = format!("{console}/setup#{}", token.expose());
    writeln!(
        std::io::stdout(),
        "Nobody has an account yet. Open this link to name your organisation and become its first \
         administrator. It is good once, until the cloud is started again:\n\n{link}\n"
    )
    .context("cannot print the link for the first administrator")
}
