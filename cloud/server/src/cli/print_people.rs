//! People in plain words.

use super::print::{date, table};
use crate::control::{ControlAnswer, Fate, PersonLine};

pub(super) fn words(answer: &ControlAnswer, console: Option<&str>) -> String {
    match answer {
        ControlAnswer::People { people, .. } if people.is_empty() => {
            "Nobody has an account yet. Give somebody one: conclave-cloud person add EMAIL --name NAME \
             --role administrator"
                .to_owned()
        }
        ControlAnswer::People { people, .. } => {
            let row = |person: &PersonLine| {
                let state = match (person.suspended, person.invited) {
                    (true, _) => "suspended",
                    (false, true) => "invited",
                    (false, false) => "active",
                };
                let mail = match &person.mail {
                    Some(Fate::Failed { why }) => format!("did not arrive: {}", why.0),
                    Some(Fate::Waiting) => "on its way".to_owned(),
                    Some(Fate::Sent) => "sent".to_owned(),
                    None => String::new(),
                };
                vec![
                    person.name.to_string(),
                    person.email.to_string(),
                    person.role.clone(),
                    state.to_owned(),
                    mail,
                    person.person.to_string(),
                ]
            };
            table(&["NAME", "E-MAIL", "ROLE", "STATE", "LETTER", "ID"], people.iter().map(row))
        }
        ControlAnswer::PersonInvited { person, invitation, expires_at } => match console {
            Some(console) => format!(
                "Give {} this link, and nobody else: whoever opens it sets the password. It is good \
                 once, until {}.{}\n\n{console}/invitation#{}",
                person.name,
                date(*expires_at),
                match person.mail {
                    Some(_) => " It is sent to them by e-mail, too.",
                    None => "",
                },
                invitation.expose()
            ),
            None => format!(
                "{} has an account, but this cloud has no console: set 'listen' in [console] of its \
                 configuration, start it again, then: conclave-cloud person invite {}",
                person.name, person.email
            ),
        },
        ControlAnswer::PersonChanged { person } if person.suspended => {
            format!("{} is kept out; whatever they were signed in to has ended.", person.name)
        }
        ControlAnswer::PersonChanged { person } => {
            format!("{} is {} and may sign in.", person.name, person.role)
        }
        ControlAnswer::PersonRemoved { person } => {
            format!("The account of {} is removed.", person.name)
        }
        ControlAnswer::Entry { entry } => {
            let of = match entry.two_factors.as_str() {
                "whoever_wants" => "whoever wants one",
                of => of,
            };
            let who = match entry.domains.is_empty() {
                true => "Nobody makes themselves an account: people are invited.".to_owned(),
                false => format!(
                    "People with an address of these domains make themselves an account: {}.",
                    entry.domains.join(", ")
                ),
            };
            let mail = match entry.mail || entry.domains.is_empty() {
                true => "",
                false => {
                    " That takes a letter, and this cloud sends none: set 'server' in [mail] of its configuration."
                }
            };
            format!("A second factor is wanted of {of}. {who}{mail}")
        }
        answer => super::print_audit::words(answer),
    }
}
