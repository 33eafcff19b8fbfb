//! What letters say, in English and then in French: nobody knows which of the two somebody reads.

use crate::letters::{Content, Meeting, MeetingChange};
use chrono::{DateTime, Utc};
use conclave_types::{DisplayName, Secret, TimeZone, UnixTime};

/// A letter as it is written.
pub(super) struct Text {
    pub(super) subject: String,
    pub(super) body: String,
}

/// `console` is what links to the console begin with.
pub(super) fn text(content: &Content, console: &str) -> Text {
    match content {
        Content::Account { name, organisation, invitation, expires_at } => {
            let link = format!("{console}/invitation#{}", invitation.expose());
            let until = moment(*expires_at, None);
            Text {
                subject: format!("{organisation}: your account / votre compte"),
                body: format!(
                    "{name},\n\n\
                     Open this link to choose your password for Conclave, the meeting rooms of {organisation}. It works once, \
                     until {until}. Give it to nobody.\n\n\
                     {link}\n\n\
                     You don't expect this? Then do nothing, and tell whoever runs them.\n\n\
                     --\n\n\
                     Ouvrez ce lien pour choisir votre mot de passe pour Conclave, les salles de réunion de {organisation}. Il \
                     sert une seule fois, jusqu'au {until}. Ne le donnez à personne.\n\n\
                     {link}\n\n\
                     Vous n'attendiez pas ce message ? Ne faites rien, et prévenez qui s'en occupe.\n"
                ),
            }
        }
        Content::SignUp { organisation, link } => of_sign_up(organisation, link.as_ref(), console),
        Content::Meeting(meeting) => of_meeting(meeting),
    }
}

fn of_sign_up(
    organisation: &DisplayName,
    link: Option<&(Secret<String>, UnixTime)>,
    console: &str,
) -> Text {
    let subject = format!("{organisation}: your account / votre compte");
    let Some((token, until)) = link else {
        return Text {
            subject,
            body: format!(
                "Somebody, probably you, wanted to make an account for this address with Conclave, the meeting rooms of \
                 {organisation}. There is one already: sign in, or ask an administrator there for a link to a new password.\n\n\
                 {console}\n\n\
                 It was not you? Then do nothing.\n\n\
                 --\n\n\
                 Quelqu'un, sans doute vous, a voulu créer un compte pour cette adresse sur Conclave, les salles de réunion de \
                 {organisation}. Ce compte existe déjà : connectez-vous, ou demandez à un administrateur un lien pour un nouveau \
                 mot de passe.\n\n\
                 {console}\n\n\
                 Ce n'était pas vous ? Ne faites rien.\n"
            ),
        };
    };
    let link = format!("{console}/sign-up#{}", token.expose());
    let until = moment(*until, None);
    Text {
        subject,
        body: format!(
            "Open this link to make your account with Conclave, the meeting rooms of {organisation}. It works once, until \
             {until}. Give it to nobody.\n\n\
             {link}\n\n\
             You did not ask for it? Then do nothing: there is no account.\n\n\
             --\n\n\
             Ouvrez ce lien pour créer votre compte sur Conclave, les salles de réunion de {organisation}. Il sert une seule \
             fois, jusqu'au {until}. Ne le donnez à personne.\n\n\
             {link}\n\n\
             Vous n'avez rien demandé ? Ne faites rien : aucun compte n'est créé.\n"
        ),
    }
}

fn of_meeting(meeting: &Meeting) -> Text {
    let Meeting { title, number, organiser: (organiser, _), .. } = meeting;
    let when = span(meeting);
    let number = grouped(number.as_str());
    let rooms = meeting.rooms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (subject, english, french) = match meeting.change {
        MeetingChange::Called => (
            title.to_string(),
            format!("{organiser} invites you to a meeting."),
            format!("{organiser} vous invite à une réunion."),
        ),
        MeetingChange::Changed => (
            format!("{title} (changed / modifiée)"),
            format!("{organiser} has changed a meeting."),
            format!("{organiser} a modifié une réunion."),
        ),
        MeetingChange::Off => {
            return Text {
                subject: format!("{title} (off / annulée)"),
                body: format!(
                    "This meeting does not take place, or you are not invited any more:\n\n\
                     {title}\n{when}\n\n\
                     --\n\n\
                     Cette réunion n'a pas lieu, ou vous n'y êtes plus invité :\n\n\
                     {title}\n{when}\n"
                ),
            };
        }
    };
    let (rooms_english, rooms_french) = match rooms.is_empty() {
        true => (String::new(), String::new()),
        false => (
            format!(
                "Invited rooms: {rooms}. They list it on their panels and join with one tap.\n"
            ),
            format!(
                "Salles invitées : {rooms}. Elles l'affichent sur leur tablette et la rejoignent d'un geste.\n"
            ),
        ),
    };
    let (pin_english, pin_french) = match meeting.pin {
        true => (
            format!("It asks for a PIN, which {organiser} tells you.\n"),
            format!("Un code PIN est demandé ; {organiser} vous le donne.\n"),
        ),
        false => (String::new(), String::new()),
    };
    Text {
        subject,
        body: format!(
            "{english}\n\n\
             {title}\n{when}\n\n\
             Meeting ID: {number}\n\
             From any other meeting room, choose \"Join with a number\" and type it.\n\
             {pin_english}{rooms_english}\n\
             --\n\n\
             {french}\n\n\
             {title}\n{when}\n\n\
             Numéro de réunion : {number}\n\
             Depuis une autre salle, choisissez « Composer un numéro » et saisissez-le.\n\
             {pin_french}{rooms_french}"
        ),
    }
}

/// `2026-11-30, 09:00 – 10:00 (Europe/Paris)`; figures alone are the same in both languages.
fn span(meeting: &Meeting) -> String {
    let zone = meeting.zone.as_ref();
    let (from, until) = (local(meeting.starts_at, zone), local(meeting.ends_at, zone));
    let until = match until.split_once(' ') {
        Some((day, time)) if from.starts_with(day) => time.to_owned(),
        _ => until,
    };
    format!("{} – {until} ({})", from.replacen(' ', ", ", 1), name_of(zone))
}

fn moment(at: UnixTime, zone: Option<&TimeZone>) -> String {
    format!("{} ({})", local(at, zone), name_of(zone))
}

fn name_of(zone: Option<&TimeZone>) -> &str {
    zone.map_or("UTC", TimeZone::as_str)
}

fn local(at: UnixTime, zone: Option<&TimeZone>) -> String {
    const FORM: &str = "%Y-%m-%d %H:%M";
    let at = utc(at);
    match zone.and_then(|zone| zone.as_str().parse::<chrono_tz::Tz>().ok()) {
        Some(zone) => at.with_timezone(&zone).format(FORM).to_string(),
        None => at.format(FORM).to_string(),
    }
}

pub(super) fn utc(at: UnixTime) -> DateTime<Utc> {
    DateTime::from_timestamp(i64::try_from(at.0).unwrap_or(0), 0).unwrap_or_default()
}

/// Digits in groups of three: all of them are nine here.
pub(super) fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
