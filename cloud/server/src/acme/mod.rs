//! Gets the console's certificate from an authority that speaks ACME (RFC 8555), and another one in time.
//!
//! 1. [`schedule`] says when to ask;
//! 2. an order names the domains, the authority gives a token for each;
//! 3. it connects to port 443 of each and is shown a certificate with the token's hash (TLS-ALPN-01, RFC 8737), by the console's
//!    own door ([`Shown`]);
//! 4. `kept` has the new certificate, connections that come from then on are shown it.
//!
//! Whatever goes wrong, the certificate that there is stays: one that was got earlier, or the one of our own making. What went
//! wrong, and when it is tried again, is in the log, in the metrics and in [`Status`].

mod http;
mod kept;
pub mod schedule;

use crate::config::AcmeConfig;
use crate::console::certificate::{Life, Shown};
use crate::data_folder::DataFolder;
use anyhow::{Context, anyhow, bail};
use conclave_types::{Redacted, UnixTime};
use http::Authority;
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, Problem, RetryPolicy,
};
use kept::{Certificate, Kept};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::CertifiedKey;
use schedule::Schedule;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the authority may take to look at a name, or to make a certificate.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long an order may take in all.
const LONGEST_ORDER: Duration = Duration::from_secs(600);

/// The most characters of an authority's words that are told.
const LONGEST_WHY: usize = 500;

/// How it stands with the certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The names that are asked for.
    pub names: Vec<String>,
    /// Until when the one that is shown is good; `None`: it is none of the authority's yet.
    pub good_until: Option<UnixTime>,
    /// Certificates that came since the start.
    pub got: u64,
    /// Orders that came to nothing since the start.
    pub failed: u64,
    /// What is wrong now, and when it is tried again.
    pub trouble: Option<(Redacted<String>, UnixTime)>,
}

/// How it stands, for whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<Status>>);

impl Told {
    /// How it stands now.
    pub fn now(&self) -> Status {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Shows the certificate that is kept, and sees to it from then on.
///
/// # Errors
/// The file of roots cannot be read.
pub fn start(
    config: &AcmeConfig,
    folder: &DataFolder,
    shown: Arc<Shown>,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> anyhow::Result<Told> {
    let names: BTreeSet<String> = config.domains.iter().map(ToString::to_string).collect();
    let told = Told::default();
    told.change(|status| status.names = names.iter().cloned().collect());
    let clerk = Clerk {
        authority: Authority::new(config.roots.clone())?,
        directory: config.directory.as_str().to_owned(),
        contact: config.contact.as_ref().map(|address| format!("mailto:{}", address.as_str())),
        kept: Kept::in_folder(folder.path()),
        names,
        shown,
        told: told.clone(),
        random: SystemRandom::new(),
    };
    let schedule = Schedule::new(clerk.show_kept());
    tasks.spawn(async move {
        stop.run_until_cancelled(clerk.work(schedule)).await;
    });
    Ok(told)
}

/// Whoever asks the authority.
struct Clerk {
    authority: Authority,
    directory: String,
    contact: Option<String>,
    kept: Kept,
    names: BTreeSet<String>,
    shown: Arc<Shown>,
    told: Told,
    random: SystemRandom,
}

impl Clerk {
    /// Shows the certificate that is kept, if it is for these names. One for others is better than none of the authority's, and
    /// another one is asked for at once.
    fn show_kept(&self) -> Option<Life> {
        match self.kept.certificate() {
            Ok(Some(certificate)) => {
                let ours = certificate.names == self.names;
                let life = self.show(certificate);
                ours.then_some(life)
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(error = &*error, "the console's certificate cannot be used");
                None
            }
        }
    }

    fn show(&self, certificate: Certificate) -> Life {
        let life = certificate.life;
        self.shown.show(certificate.shown);
        self.told.change(|status| status.good_until = Some(life.ends));
        life
    }

    async fn work(self, mut schedule: Schedule) {
        loop {
            let wait = schedule.wait(wall());
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
                continue;
            }
            let order = tokio::time::timeout(LONGEST_ORDER, self.order()).await;
            self.shown.answer_none();
            match order.unwrap_or_else(|_| Err(anyhow!("the authority takes too long"))) {
                Ok(certificate) => {
                    let life = self.show(certificate);
                    self.told.change(|status| {
                        status.got += 1;
                        status.trouble = None;
                    });
                    tracing::info!(until = life.ends.0, "the console has a new certificate");
                    schedule.got(wall(), life);
                }
                Err(error) => self.failed(&mut schedule, &error),
            }
        }
    }

    fn failed(&self, schedule: &mut Schedule, error: &anyhow::Error) {
        let again = schedule.failed(wall(), self.chance());
        let why: String =
            format!("{error:#}").chars().filter(|c| !c.is_control()).take(LONGEST_WHY).collect();
        tracing::warn!(
            why,
            again = again.0,
            "the console has no new certificate, and goes on with the one that it has"
        );
        self.told.change(|status| {
            status.failed += 1;
            status.trouble = Some((Redacted(why), again));
        });
    }

    fn chance(&self) -> u32 {
        let mut octets = [0; 4];
        // Without randomness nothing is scattered: no harm for one cloud.
        let _ = self.random.fill(&mut octets);
        u32::from_ne_bytes(octets)
    }

    async fn order(&self) -> anyhow::Result<Certificate> {
        let names: Vec<Identifier> = self.names.iter().cloned().map(Identifier::Dns).collect();
        let account = self.account().await?;
        let new = NewOrder::new(&names);
        let mut order = match account.new_order(&new).await {
            // It has forgotten us, or never knew us: an authority that was made anew.
            Err(error) if is(&error, "accountDoesNotExist") => {
                self.kept.forget_account();
                self.account().await?.new_order(&new).await
            }
            order => order,
        }
        .map_err(told)?;
        self.prove(&mut order).await?;
        let key = order.finalize().await.map_err(told)?;
        let chain = order.poll_certificate(&retries()).await.map_err(told)?;
        self.kept.keep_certificate(&key, &chain)
    }

    /// The account that is kept, or a new one.
    async fn account(&self) -> anyhow::Result<Account> {
        let builder = || Account::builder_with_http(Box::new(self.authority.clone()));
        if let Some(kept) = self.kept.account(&self.directory) {
            return builder().from_credentials(kept).await.map_err(told);
        }
        let contact: Vec<&str> = self.contact.as_deref().into_iter().collect();
        // The configuration says that the terms are agreed to, or it is not taken.
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let created = builder().create(&new, self.directory.clone(), None).await;
        let (account, credentials) = created.map_err(told)?;
        self.kept.keep_account(&credentials)?;
        Ok(account)
    }

    /// Shows the authority that each name is ours.
    async fn prove(&self, order: &mut Order) -> anyhow::Result<()> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(told)?;
            match authorization.status {
                AuthorizationStatus::Pending => {}
                AuthorizationStatus::Valid => continue,
                other => bail!("the authority does not look at a name any more: {other:?}"),
            }
            let mut challenge =
                authorization.challenge(ChallengeType::TlsAlpn01).context(
                    "the authority does not offer to look by TLS on port 443 (TLS-ALPN-01): choose another one",
                )?;
            let name = challenge.identifier().to_string();
            let digest = challenge.key_authorization().digest();
            self.shown.answer_for(&name, proof(&name, digest.as_ref())?);
            challenge.set_ready().await.map_err(told)?;
        }
        match order.poll_ready(&retries()).await {
            Ok(OrderStatus::Ready | OrderStatus::Valid) => Ok(()),
            Ok(_) | Err(Error::Api(_)) => Err(self.why_not(order).await),
            Err(error) => Err(told(error)),
        }
    }

    /// What the authority found when it looked.
    async fn why_not(&self, order: &mut Order) -> anyhow::Error {
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            let Ok(state) = authorization.refresh().await else { break };
            let problem = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
            let Some(problem) = problem else { continue };
            let problem = words(problem);
            let name = authorization.identifier().to_string();
            return anyhow!(
                "the authority did not find this cloud at {name}, port 443: look whether that name leads to this machine, \
                 and whether the port leads to the console. It says: {problem}"
            );
        }
        anyhow!("the authority did not find this cloud at its names, and does not say why")
    }
}

/// What the authority is shown for a name (RFC 8737, 3): a certificate for it alone, with the hash of the token.
fn proof(name: &str, digest: &[u8]) -> anyhow::Result<CertifiedKey> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new([name.to_owned()])?;
    parameters.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = parameters.self_signed(&key)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    // Not compared with the certificate: nobody but an authority knows what to do with its extension, which is critical.
    let key = rustls::crypto::ring::sign::any_supported_type(&key.into())?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}

fn retries() -> RetryPolicy {
    RetryPolicy::default().timeout(PATIENCE)
}

fn is(error: &Error, kind: &str) -> bool {
    let Error::Api(problem) = error else { return false };
    problem.r#type.as_deref().and_then(|each| each.rsplit(':').next()) == Some(kind)
}

/// What went wrong, for people.
fn told(error: Error) -> anyhow::Error {
    match error {
        Error::Api(problem) => anyhow!("the authority refuses: {}", words(&problem)),
        Error::Timeout(_) => anyhow!("the authority is not done in time"),
        Error::Other(cause) => anyhow!(cause).context("the authority cannot be asked"),
        error => anyhow::Error::from(error).context("the authority answers what is no ACME"),
    }
}

fn words(problem: &Problem) -> String {
    problem.detail.clone().or_else(|| problem.r#type.clone()).unwrap_or_else(|| "nothing".into())
}

fn wall() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::prelude::{FromDer, X509Certificate};

    /// RFC 8737, 3: for the name alone, and the hash in an extension that is critical.
    #[test]
    fn a_proof_is_for_one_name_and_has_the_tokens_hash_in_a_critical_extension() {
        let proof = proof("conclave.example.org", &[7; 32]).unwrap();
        let (_, names) = crate::console::certificate::leaf(&proof).unwrap();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["conclave.example.org"]);
        let (_, certificate) = X509Certificate::from_der(&proof.cert[0]).unwrap();
        let id = "1.3.6.1.5.5.7.1.31";
        let found = certificate.extensions().iter().find(|each| each.oid.to_id_string() == id);
        let extension = found.unwrap();
        // An OCTET STRING of 32 octets.
        assert_eq!(
            (extension.critical, extension.value),
            (true, &[&[4, 32][..], &[7; 32]].concat()[..])
        );
    }
}
