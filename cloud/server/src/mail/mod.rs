//! Sends letters by e-mail, over SMTP (RFC 5321) with TLS, one after the other; what the mail server cannot take now is tried
//! again, for a day.
//!
//! A letter is in memory alone: a link for an account lets in whoever has it, so it is written nowhere. Logs have neither
//! addresses nor texts.

mod calendar;
mod text;

use crate::config::{MailConfig, MailSecurity};
use crate::letters::{Content, Fate, Letter, LetterId};
use anyhow::Context;
use conclave_types::Redacted;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the letters come from, for people.
const SENDER: &str = "Conclave";

/// Letters that wait: as many as the switchboard has on their way.
const WAITING: usize = 5_000;

/// For each step of a conversation with the mail server.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first pause before a letter is tried again; each doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// A letter that did not leave by then does not leave (RFC 5321, 4.5.4.1, asks for some days of a mail server; ours has its
/// own queue, and whoever waits for a link does not wait for days).
const GIVEN_UP: Duration = Duration::from_secs(86_400);

/// The most characters of a mail server's words that are told.
const LONGEST_WHY: usize = 300;

/// The way to the mail server.
pub struct Mailer {
    letters: mpsc::Sender<Letter>,
}

/// What becomes of letters.
pub type Fates = mpsc::Receiver<(LetterId, Fate)>;

impl Mailer {
    /// Starts sending, where the configuration names a mail server. `console` is what links to the console begin with.
    ///
    /// # Errors
    /// A file that the configuration names cannot be read.
    pub fn start(
        config: &MailConfig,
        console: Option<&str>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> anyhow::Result<(Option<Mailer>, Fates)> {
        let (told, fates) = mpsc::channel(WAITING);
        let (Some(server), Some(from)) = (&config.server, &config.from) else {
            return Ok((None, fates));
        };
        let post = Post {
            smtp: transport(config, server.host(), server.port())?,
            from: from.as_str().parse().context("mail.from is no address to write from")?,
            console: console.unwrap_or_default().to_owned(),
        };
        let (letters, waiting) = mpsc::channel(WAITING);
        tasks.spawn(async move {
            stop.run_until_cancelled(post.carry(waiting, told)).await;
        });
        Ok((Some(Mailer { letters }), fates))
    }

    /// Sends a letter, sometime. What cannot wait any more has its fate at once.
    pub fn send(&self, letter: Letter) -> Option<(LetterId, Fate)> {
        let id = letter.id;
        self.letters
            .try_send(letter)
            .err()
            .map(|_| (id, failed("too many letters wait for the mail server")))
    }
}

fn failed(why: &str) -> Fate {
    Fate::Failed { why: Redacted(why.to_owned()) }
}

fn transport(
    config: &MailConfig,
    host: &str,
    port: u16,
) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    let tls = match config.security {
        MailSecurity::Local => Tls::None,
        MailSecurity::Tls | MailSecurity::Starttls => {
            let mut parameters = TlsParameters::builder(host.to_owned());
            if let Some(file) = &config.ca {
                let pem = std::fs::read(file)
                    .with_context(|| format!("mail.ca, {}, cannot be read", file.display()))?;
                let certificate = Certificate::from_pem(&pem)
                    .with_context(|| format!("mail.ca, {}, has no certificate", file.display()))?;
                parameters = parameters.add_root_certificate(certificate);
            }
            let parameters =
                parameters.build_rustls().context("TLS to the mail server cannot be set up")?;
            match config.security {
                MailSecurity::Tls => Tls::Wrapper(parameters),
                _ => Tls::Required(parameters),
            }
        }
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let (Some(user), Some(file)) = (&config.user, &config.password_file) {
        let password = std::fs::read_to_string(file)
            .with_context(|| format!("mail.password_file, {}, cannot be read", file.display()))?;
        let password = password.trim_end_matches(['\r', '\n']).to_owned();
        builder = builder.credentials(Credentials::new(user.0.clone(), password));
    }
    Ok(builder.build())
}

/// A letter that was tried.
struct Again {
    at: Instant,
    tries: u32,
    begun: Instant,
    letter: Letter,
}

struct Post {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    console: String,
}

impl Post {
    async fn carry(
        self,
        mut letters: mpsc::Receiver<Letter>,
        told: mpsc::Sender<(LetterId, Fate)>,
    ) {
        let mut again: Vec<Again> = Vec::new();
        loop {
            let next = again.iter().map(|each| each.at).min();
            let wake = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let (letter, tries, begun) = tokio::select! {
                letter = letters.recv() => match letter {
                    Some(letter) => (letter, 0, Instant::now()),
                    None => return,
                },
                () = wake => {
                    let now = Instant::now();
                    let Some(due) = again.iter().position(|each| each.at <= now) else { continue };
                    let Again { letter, tries, begun, .. } = again.swap_remove(due);
                    (letter, tries, begun)
                }
            };
            let id = letter.id;
            let fate = match self.try_once(&letter).await {
                Ok(()) => {
                    tracing::info!(letter = id.0, "letter sent");
                    Fate::Sent
                }
                Err(Trouble { why, lasting }) => {
                    let pause = pause(tries, begun.elapsed()).filter(|_| !lasting);
                    let Some(pause) = pause.filter(|_| again.len() < WAITING) else {
                        tracing::warn!(letter = id.0, lasting, "a letter could not be sent");
                        let _ = told.send((id, failed(&why))).await;
                        continue;
                    };
                    tracing::warn!(
                        letter = id.0,
                        ?pause,
                        "the mail server does not take a letter now"
                    );
                    let at = Instant::now() + pause;
                    again.push(Again { at, tries: tries + 1, begun, letter });
                    continue;
                }
            };
            // An error is a cloud that stops: nobody asks any more.
            let _ = told.send((id, fate)).await;
        }
    }

    async fn try_once(&self, letter: &Letter) -> Result<(), Trouble> {
        let message = message(letter, &self.from, &self.console)
            .map_err(|why| Trouble { why, lasting: true })?;
        self.smtp
            .send(message)
            .await
            .map(drop)
            .map_err(|error| Trouble { lasting: error.is_permanent(), why: told(&error) })
    }
}

struct Trouble {
    why: String,
    /// Whether it will be so the next time too.
    lasting: bool,
}

/// When a letter is tried again that was tried so often, and is so old; `None`: it is not.
fn pause(tries: u32, age: Duration) -> Option<Duration> {
    let pause = FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE);
    (age + pause <= GIVEN_UP).then_some(pause)
}

/// What a mail server said, or why it could not be asked.
fn told(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words.chars().filter(|c| !c.is_control()).take(LONGEST_WHY).collect()
}

/// That no person wrote it: nobody's absence is answered to it (RFC 3834, 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<AutoSubmitted, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(AutoSubmitted::name(), "auto-generated".to_owned())
    }
}

fn message(letter: &Letter, from: &Address, console: &str) -> Result<Message, String> {
    let to: Address = letter.to.as_str().parse().map_err(|_| "no mail goes there".to_owned())?;
    let text::Text { subject, body } = text::text(&letter.content, console);
    let builder = Message::builder()
        .from(Mailbox::new(Some(SENDER.to_owned()), from.clone()))
        .to(Mailbox::new(None, to))
        .subject(subject)
        .header(AutoSubmitted);
    let message = match &letter.content {
        Content::Account { .. } | Content::SignUp { .. } => {
            builder.singlepart(SinglePart::plain(body))
        }
        Content::Meeting(meeting) => {
            let (name, address) = &meeting.organiser;
            let reply =
                address.as_str().parse().map_err(|_| "no mail comes from there".to_owned())?;
            let kind =
                format!("text/calendar; charset=utf-8; method={}", calendar::method(meeting));
            let kind = ContentType::parse(&kind).map_err(|error| error.to_string())?;
            let invitation =
                SinglePart::builder().header(kind).body(calendar::calendar(meeting, &body));
            builder.reply_to(Mailbox::new(Some(name.to_string()), reply)).multipart(
                MultiPart::alternative().singlepart(SinglePart::plain(body)).singlepart(invitation),
            )
        }
    };
    message.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
