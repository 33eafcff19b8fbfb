//! What the panel says of the lobby, to whoever waits in it and to whoever may let them in.

use super::NBSP;
use conclave_panel_api::{CallHealth, Language};

/// What waiting suffers from; empty while all is well.
pub(crate) fn lobby_health(language: Language, health: CallHealth) -> &'static str {
    match (language, health) {
        (_, CallHealth::Good) => "",
        (Language::English, CallHealth::LinkLost) => {
            "The connection to the cloud is lost. Your place is kept for two minutes; the room reconnects by itself."
        }
        (Language::English, CallHealth::Rejoining) => {
            "The room asks for its place in the lobby again by itself; you need do nothing."
        }
        (Language::French, CallHealth::LinkLost) => {
            "La liaison avec le cloud est coupée. Votre place est gardée deux minutes, la salle se reconnecte seule."
        }
        (Language::French, CallHealth::Rejoining) => {
            "La salle redemande sa place d'elle-même, vous n'avez rien à faire."
        }
    }
}

/// Who waits to be let in; empty when nobody does. Names stand in fields of their own direction, as in
/// [`speaking`](super::speaking).
pub(crate) fn who_waits(language: Language, names: &[&str]) -> String {
    let named: Vec<String> = names.iter().map(|name| format!("\u{2068}{name}\u{2069}")).collect();
    match (language, named.as_slice()) {
        (_, []) => String::new(),
        (Language::English, [one]) => format!("{one} waits to be let in."),
        (Language::French, [one]) => format!("{one} attend d'être admis."),
        (Language::English, all) => format!("{} wait to be let in: {}.", all.len(), all.join(", ")),
        (Language::French, all) => {
            format!("{} attendent d'être admis{NBSP}: {}.", all.len(), all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_wait_are_counted_and_named() {
        assert_eq!(who_waits(Language::English, &[]), "");
        let two = who_waits(Language::English, &["Mo", "Bo Li"]);
        assert_eq!(two.replace(['\u{2068}', '\u{2069}'], ""), "2 wait to be let in: Mo, Bo Li.");
    }
}
