//! Every sentence that the panel says, in English and in French.
//!
//! Each language is thought in itself. Sentences say what happened, then what to do. Sentences that
//! hold a figure are functions; the fixed ones stand in [`words`].

mod lobby;
mod stick;

pub(crate) use lobby::{lobby_health, who_waits};
pub(crate) use stick::stick;

use crate::ui;
use conclave_panel_api::{CallHealth, Erased, Language, LinkState, Look, Notice, Trouble};

/// A blank at which no line breaks: before French double punctuation and inside numbers.
pub(crate) const NBSP: char = '\u{a0}';

/// The fixed words of a language.
pub(crate) fn words(language: Language) -> ui::Words {
    match language {
        Language::English => english(),
        Language::French => french(),
    }
}

fn english() -> ui::Words {
    ui::Words {
        away: "One moment".into(),
        away_hint: "This room's system has stopped answering. The panel goes on by itself as soon as it is back. If this takes longer than two minutes, tell your IT team.".into(),
        back: "Back".into(),
        camera: "Camera".into(),
        camera_missing: "No camera".into(),
        camera_off: "Off".into(),
        camera_on: "On".into(),
        camera_ready: "Camera ready".into(),
        cancel: "Cancel".into(),
        code_hint: "On the Conclave cloud, claim this room with this code. It works once; a new one follows when it runs out.".into(),
        code_title: "Add this room to your organisation".into(),
        code_wait: "Asking the cloud for a code".into(),
        connecting: "Connecting".into(),
        connecting_hint: "The meeting opens here as soon as the cloud answers.".into(),
        delete: "Delete".into(),
        development: "Development image: whoever is at its serial port is root. Not for a real room.".into(),
        directory: "Meeting rooms".into(),
        directory_empty: "No meeting room is listed here yet. If you have a number, join with it.".into(),
        dismiss: "Got it".into(),
        go_on: "Continue".into(),
        identify: "IT is looking for this room.".into(),
        grid: "Grid".into(),
        install: "Install".into(),
        is_muted: "Microphone off".into(),
        join: "Join".into(),
        join_with_number: "Join with a number".into(),
        layout: "Layout".into(),
        leave: "Leave".into(),
        let_all_in: "Let all in".into(),
        let_in: "Let in".into(),
        lobby: "You are in the lobby of".into(),
        lobby_hint: "Somebody will let you in. Until then nobody sees or hears this room.".into(),
        louder: "Louder".into(),
        microphone: "Microphone".into(),
        microphone_missing: "No microphone".into(),
        microphone_off: "Off".into(),
        microphone_on: "On".into(),
        microphone_ready: "Microphone ready".into(),
        muted: "Your microphone is off".into(),
        muted_hint: "Nobody hears this room. Tap Microphone to be heard.".into(),
        not_now: "Not now".into(),
        number_hint: "Meeting room number".into(),
        other_language: "Français".into(),
        people: "People".into(),
        pin_asked: "PIN needed".into(),
        pin_hint: "4 to 12 digits".into(),
        pin_title: "Enter the PIN".into(),
        receipt_erased: "Erased".into(),
        receipt_key: "Key that is gone".into(),
        receipt_number: "Receipt".into(),
        receipt_when: "When".into(),
        reset_code_hint: "8 digits from your IT team".into(),
        reset_code_title: "Enter the reset code".into(),
        reset_erase: "Erase".into(),
        reset_keep: "Keep everything".into(),
        reset_text: "Its keys, its settings and its logs are gone for good, and it has to be added to your organisation again.".into(),
        reset_title: "Erase everything that this room keeps?".into(),
        resetting: "Erasing".into(),
        resetting_hint: "Please leave this room switched on. It takes a moment.".into(),
        restart: "Restart now".into(),
        serial: "Serial number".into(),
        softer: "Softer".into(),
        speaker: "Speaker".into(),
        speaking: "Speaking".into(),
        starting: "Starting".into(),
        starting_hint: "This room is getting ready. It takes a moment.".into(),
        this_room: "This room".into(),
        today: "Today".into(),
        turn_away: "Not now".into(),
        wake: "Touch the screen to wake it".into(),
        who_waits: "See who".into(),
    }
}

fn french() -> ui::Words {
    ui::Words {
        away: "Un instant".into(),
        away_hint: "Le système de la salle ne répond plus. L'écran reprendra de lui-même dès son retour. Au-delà de deux minutes, prévenez votre service informatique.".into(),
        back: "Retour".into(),
        camera: "Caméra".into(),
        camera_missing: "Pas de caméra".into(),
        camera_off: "Coupée".into(),
        camera_on: "Active".into(),
        camera_ready: "Caméra prête".into(),
        cancel: "Annuler".into(),
        code_hint: "Dans le cloud Conclave, rattachez cette salle à l'aide de ce code. Il ne sert qu'une fois. Passé ce délai, un autre le remplace.".into(),
        code_title: "Rattachez cette salle à votre organisation".into(),
        code_wait: "Demande d'un code au cloud".into(),
        connecting: "Connexion en cours".into(),
        connecting_hint: "La réunion s'affichera ici dès que le cloud aura répondu.".into(),
        delete: "Effacer".into(),
        development: "Image de développement : son port série ouvre tous les droits. Pas pour une vraie salle.".into(),
        directory: "Salles virtuelles".into(),
        directory_empty: "Aucune salle virtuelle dans la liste pour l'instant. Si vous avez un numéro, composez-le.".into(),
        dismiss: "Compris".into(),
        go_on: "Continuer".into(),
        identify: "L'informatique cherche cette salle.".into(),
        grid: "Mosaïque".into(),
        install: "Installer".into(),
        is_muted: "Micro coupé".into(),
        join: "Rejoindre".into(),
        join_with_number: "Composer un numéro".into(),
        layout: "Affichage".into(),
        leave: "Quitter".into(),
        let_all_in: "Tous les admettre".into(),
        let_in: "Admettre".into(),
        lobby: "Vous êtes dans la salle d'attente de".into(),
        lobby_hint: "On va vous faire entrer. D'ici là, personne ne voit ni n'entend la salle.".into(),
        louder: "Plus fort".into(),
        microphone: "Micro".into(),
        microphone_missing: "Pas de micro".into(),
        microphone_off: "Coupé".into(),
        microphone_on: "Actif".into(),
        microphone_ready: "Micro prêt".into(),
        muted: "Votre micro est coupé".into(),
        muted_hint: "Personne n'entend cette salle. Touchez Micro pour être entendu.".into(),
        not_now: "Plus tard".into(),
        number_hint: "Numéro de salle".into(),
        other_language: "English".into(),
        people: "Présents".into(),
        pin_asked: "Avec code PIN".into(),
        pin_hint: "4 à 12 chiffres".into(),
        pin_title: "Saisissez le code PIN".into(),
        receipt_erased: "Effacé".into(),
        receipt_key: "Clé détruite".into(),
        receipt_number: "Reçu".into(),
        receipt_when: "Date".into(),
        reset_code_hint: "8 chiffres, du service informatique".into(),
        reset_code_title: "Saisissez le code de réinitialisation".into(),
        reset_erase: "Tout effacer".into(),
        reset_keep: "Ne rien effacer".into(),
        reset_text: "Ses clés, ses réglages et ses journaux disparaissent pour de bon. Il faudra la rattacher de nouveau à votre organisation.".into(),
        reset_title: "Effacer tout ce que cette salle conserve\u{a0}?".into(),
        resetting: "Effacement en cours".into(),
        resetting_hint: "Laissez la salle allumée. Cela prend un instant.".into(),
        restart: "Redémarrer".into(),
        serial: "Numéro de série".into(),
        softer: "Moins fort".into(),
        speaker: "Orateur".into(),
        speaking: "Parle en ce moment".into(),
        starting: "Démarrage".into(),
        starting_hint: "La salle se prépare. Cela prend un instant.".into(),
        this_room: "Cette salle".into(),
        today: "Aujourd'hui".into(),
        turn_away: "Pas maintenant".into(),
        wake: "Touchez l'écran pour le réveiller".into(),
        who_waits: "Voir qui".into(),
    }
}

/// The first words after power-on, when no daemon has yet said which language to speak: both.
pub(crate) fn before_any_language() -> ui::Words {
    ui::Words {
        away: "Starting · Démarrage".into(),
        away_hint: "One moment, the room is getting ready.\nUn instant, la salle se prépare."
            .into(),
        ..english()
    }
}

/// The link in one or two words, for the strip.
pub(crate) fn link_word(language: Language, link: LinkState) -> &'static str {
    match (language, link) {
        (Language::English, LinkState::Up) => "Connected",
        (Language::English, LinkState::Connecting) => "Connecting",
        (Language::English, LinkState::Lost { .. }) => "Not connected",
        (Language::French, LinkState::Up) => "Connecté",
        (Language::French, LinkState::Connecting) => "Connexion",
        (Language::French, LinkState::Lost { .. }) => "Hors connexion",
    }
}

/// The link in a sentence, with what the room does and what the person can do; empty while linked.
pub(crate) fn link_sentence(language: Language, link: LinkState, enrolled: bool) -> String {
    match (language, link, enrolled) {
        (_, LinkState::Up, _) => String::new(),
        (Language::English, LinkState::Connecting, _) => {
            "Connecting to the cloud. One moment.".into()
        }
        (Language::English, LinkState::Lost { retry_in_s }, enrolled) => format!(
            "No connection to the cloud. {} {}",
            match retry_in_s {
                0 => "Trying again now.".to_owned(),
                seconds => format!("Trying again in {seconds}{NBSP}s."),
            },
            if enrolled {
                "You can join as soon as it is back."
            } else {
                "Check the network cable. If it stays like this, ask your IT team whether this room may reach the cloud."
            }
        ),
        (Language::French, LinkState::Connecting, _) => "Connexion au cloud. Un instant.".into(),
        (Language::French, LinkState::Lost { retry_in_s }, enrolled) => format!(
            "Pas de liaison avec le cloud. {} {}",
            match retry_in_s {
                0 => "Nouvel essai en cours.".to_owned(),
                seconds => format!("Nouvel essai dans {seconds}{NBSP}s."),
            },
            if enrolled {
                "Vous pourrez rejoindre une réunion dès son retour."
            } else {
                "Vérifiez le câble réseau. Si rien ne change, demandez à votre service informatique si la salle a accès au cloud."
            }
        ),
    }
}

/// How long the activation code still works.
pub(crate) fn code_time(language: Language, seconds: u32) -> String {
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match (language, minutes) {
        (Language::English, 0) => format!("{rest}{NBSP}s left"),
        (Language::English, _) => format!("{minutes}{NBSP}min {rest:02}{NBSP}s left"),
        (Language::French, 0) => format!("Encore {rest}{NBSP}s"),
        (Language::French, _) => format!("Encore {minutes}{NBSP}min {rest:02}{NBSP}s"),
    }
}

/// How many are in the meeting, as the title of their list.
pub(crate) fn people_title(language: Language, count: usize) -> String {
    match (language, count) {
        (Language::English, 0 | 1) => "Nobody else is here yet".into(),
        (Language::English, _) => format!("{count} in the meeting"),
        (Language::French, 0 | 1) => "Personne d'autre pour le moment".into(),
        (Language::French, _) => format!("{count} participants à la réunion"),
    }
}

/// Who speaks. The name stands in a field of its own direction (U+2068, U+2069 of Unicode's
/// bidirectional algorithm), so that a Hebrew or Arabic name leaves the sentence around it alone.
pub(crate) fn speaking(language: Language, name: &str) -> String {
    let name = format!("\u{2068}{name}\u{2069}");
    match language {
        Language::English => format!("Speaking: {name}"),
        Language::French => format!("Parle en ce moment{NBSP}: {name}"),
    }
}

/// The loudspeaker's volume, 0 to 100.
pub(crate) fn volume(language: Language, volume: u8) -> String {
    match language {
        Language::English => format!("Volume {volume}%"),
        Language::French => format!("Volume {volume}{NBSP}%"),
    }
}

/// What the call suffers from; empty while it is well.
pub(crate) fn call_health(language: Language, health: CallHealth) -> &'static str {
    match (language, health) {
        (_, CallHealth::Good) => "",
        (Language::English, CallHealth::LinkLost) => {
            "The connection to the cloud is lost. Picture and sound go on; the room reconnects by itself."
        }
        (Language::English, CallHealth::Rejoining) => {
            "The call broke off. The room is going back in by itself; you need do nothing."
        }
        (Language::French, CallHealth::LinkLost) => {
            "La liaison avec le cloud est coupée. L'image et le son continuent, la salle se reconnecte seule."
        }
        (Language::French, CallHealth::Rejoining) => {
            "L'appel a été interrompu. La salle y retourne d'elle-même, vous n'avez rien à faire."
        }
    }
}

/// What was wrong with a number or a PIN, and what to do.
pub(crate) fn trouble(language: Language, trouble: Trouble) -> String {
    match language {
        Language::English => trouble_in_english(trouble),
        Language::French => trouble_in_french(trouble),
    }
}

fn trouble_in_english(trouble: Trouble) -> String {
    match trouble {
        Trouble::NotFound => {
            "No meeting room has this number. Check it in your invitation and type it again.".into()
        }
        Trouble::WrongPin { tries_left: 0 } => {
            "That PIN isn't right. There is now a short wait.".into()
        }
        Trouble::WrongPin { tries_left: 1 } => {
            "That PIN isn't right. 1 try before a short wait.".into()
        }
        Trouble::WrongPin { tries_left } => {
            format!("That PIN isn't right. {tries_left} tries before a short wait.")
        }
        Trouble::Wait { seconds: 0 } => "Thank you for waiting. You can try again now.".into(),
        Trouble::Wait { seconds } => format!(
            "Too many PINs that weren't right. You can try again in {}. The organiser can tell you the PIN.",
            span(seconds)
        ),
        Trouble::TooManyNumbers { seconds } => format!(
            "Too many numbers that weren't right. You can try again in {}. The meetings and rooms on the first page open at once.",
            span(seconds)
        ),
        Trouble::Full { capacity } => format!(
            "This meeting is full: {capacity} are in already. Ask someone to leave, or try later."
        ),
        Trouble::Busy => "The cloud can't take another call now. Try again in a minute.".into(),
        Trouble::LobbyFull => {
            "So many wait for this meeting that the lobby is full. Try again in a few minutes.".into()
        }
        Trouble::LobbyUnsupported => {
            "This meeting has a lobby, and this room's software is too old for it. Ask the organiser to invite this room, and your IT team to update it.".into()
        }
        Trouble::NoLink => {
            "This room isn't connected to the cloud. It reconnects by itself; then try again."
                .into()
        }
        Trouble::WrongResetCode { tries_left: 0 } => {
            "That code isn't right, and it is now worth nothing. Ask your IT team for a new one."
                .into()
        }
        Trouble::WrongResetCode { tries_left: 1 } => {
            "That code isn't right. 1 try before it is worth nothing.".into()
        }
        Trouble::WrongResetCode { tries_left } => {
            format!("That code isn't right. {tries_left} tries before it is worth nothing.")
        }
        Trouble::NoResetCode => {
            "There is no reset code for this room, or it has run out. Ask your IT team for a new one."
                .into()
        }
        Trouble::Media => {
            "Camera or sound didn't start. Try again; if it stays, tell your IT team.".into()
        }
        Trouble::Other => "That didn't work. Try again; if it stays, tell your IT team.".into(),
    }
}

fn trouble_in_french(trouble: Trouble) -> String {
    match trouble {
        Trouble::NotFound => {
            "Aucune salle virtuelle n'a ce numéro. Vérifiez-le sur votre invitation, puis recommencez.".into()
        }
        Trouble::WrongPin { tries_left: 0 } => {
            "Ce n'est pas le bon code PIN. Il faut patienter un peu.".into()
        }
        Trouble::WrongPin { tries_left: 1 } => {
            "Ce n'est pas le bon code PIN. Encore 1 essai avant une courte attente.".into()
        }
        Trouble::WrongPin { tries_left } => format!(
            "Ce n'est pas le bon code PIN. Encore {tries_left} essais avant une courte attente."
        ),
        Trouble::Wait { seconds: 0 } => {
            "Merci de votre patience. Vous pouvez réessayer.".into()
        }
        Trouble::Wait { seconds } => format!(
            "Trop de codes inexacts. Nouvel essai possible dans {}. L'organisateur peut vous donner le code.",
            span(seconds)
        ),
        Trouble::TooManyNumbers { seconds } => format!(
            "Trop de numéros inexacts. Nouvel essai possible dans {}. Les réunions et salles de la première page restent accessibles.",
            span(seconds)
        ),
        Trouble::Full { capacity } => format!(
            "La réunion est complète, {capacity} participants y sont déjà. Demandez à quelqu'un de sortir ou revenez plus tard."
        ),
        Trouble::Busy => {
            "Le cloud ne peut pas prendre d'appel de plus. Réessayez dans une minute.".into()
        }
        Trouble::LobbyFull => {
            "La salle d'attente de cette réunion est pleine. Réessayez dans quelques minutes.".into()
        }
        Trouble::LobbyUnsupported => {
            "Cette réunion a une salle d'attente, et le logiciel de la salle est trop ancien. Demandez à l'organisateur d'inviter la salle, et à l'informatique de la mettre à jour.".into()
        }
        Trouble::NoLink => {
            "La salle n'est pas reliée au cloud. Elle se reconnecte seule, réessayez ensuite.".into()
        }
        Trouble::WrongResetCode { tries_left: 0 } => {
            "Ce n'est pas le bon code, et il ne vaut plus rien. Demandez-en un autre au service informatique.".into()
        }
        Trouble::WrongResetCode { tries_left: 1 } => {
            "Ce n'est pas le bon code. Encore 1 essai avant qu'il ne vaille plus rien.".into()
        }
        Trouble::WrongResetCode { tries_left } => format!(
            "Ce n'est pas le bon code. Encore {tries_left} essais avant qu'il ne vaille plus rien."
        ),
        Trouble::NoResetCode => {
            "Aucun code ne vaut pour cette salle, ou il a expiré. Demandez-en un autre au service informatique.".into()
        }
        Trouble::Media => {
            "La caméra ou le son n'a pas démarré. Réessayez, et si cela dure, prévenez votre service informatique.".into()
        }
        Trouble::Other => {
            "Cela n'a pas abouti. Réessayez, et si cela dure, prévenez votre service informatique.".into()
        }
    }
}

/// A span as minutes and seconds, the same in both languages.
fn span(seconds: u32) -> String {
    match (seconds / 60, seconds % 60) {
        (0, rest) => format!("{rest}{NBSP}s"),
        (minutes, 0) => format!("{minutes}{NBSP}min"),
        (minutes, rest) => format!("{minutes}{NBSP}min{NBSP}{rest:02}{NBSP}s"),
    }
}

/// That IT looks at the screen: what it does, and what it gets.
pub(crate) fn look(language: Language, look: Look) -> (&'static str, &'static str) {
    match (language, look) {
        (Language::English, Look::Soon | Look::Picture { .. }) => (
            "IT is looking at this screen",
            "It gets one picture of what you see here. Titles of meetings are covered, and the camera is not in it.",
        ),
        (Language::English, Look::Over) => {
            ("IT has looked at this screen", "It got one picture, and sees nothing more.")
        }
        (Language::French, Look::Soon | Look::Picture { .. }) => (
            "L'informatique regarde cet écran",
            "Elle reçoit une seule image de ce que vous voyez ici. Les titres des réunions sont masqués, et la caméra n'y est pas.",
        ),
        (Language::French, Look::Over) => (
            "L'informatique a regardé cet écran",
            "Elle a reçu une seule image, et ne voit plus rien.",
        ),
    }
}

/// A notice: how urgent, what happened, what to do.
pub(crate) fn notice(
    language: Language,
    notice: Notice,
) -> (ui::Urgency, &'static str, &'static str) {
    use ui::Urgency::{Heed, Stop};
    match (language, notice) {
        (Language::English, Notice::CameraLost) => (
            Heed,
            "The camera is not there",
            "The others can't see this room. Check the camera's cable; it is used again as soon as it is back.",
        ),
        (Language::English, Notice::MicrophoneLost) => (
            Heed,
            "The microphone is not there",
            "The others can't hear this room. Check the microphone's cable; it is used again as soon as it is back.",
        ),
        (Language::English, Notice::CameraNotAllowed) => (
            Heed,
            "IT keeps the camera off",
            "It can't be turned on in this room. Ask your IT team if you need it.",
        ),
        (Language::English, Notice::MicrophoneNotAllowed) => (
            Heed,
            "IT keeps the microphone off",
            "It can't be turned on in this room. Ask your IT team if you need it.",
        ),
        (Language::French, Notice::CameraNotAllowed) => (
            Heed,
            "L'informatique tient la caméra coupée",
            "Elle ne peut pas être activée dans cette salle. Demandez à votre service informatique si vous en avez besoin.",
        ),
        (Language::French, Notice::MicrophoneNotAllowed) => (
            Heed,
            "L'informatique tient le micro coupé",
            "Il ne peut pas être activé dans cette salle. Demandez à votre service informatique si vous en avez besoin.",
        ),
        (Language::English, Notice::CallEnded) => (
            Heed,
            "The meeting has ended",
            "It was ended for everyone, or this room was taken out. Join again if you were not done.",
        ),
        (Language::English, Notice::CallLost) => {
            (Heed, "The call broke off", "The room tried to go back in and could not. Join again.")
        }
        (Language::English, Notice::TurnedAway) => (
            Heed,
            "You were not let in",
            "Somebody in the meeting can't let you in now. Ask the organiser, or try again later.",
        ),
        (Language::English, Notice::NobodyCame) => (
            Heed,
            "Nobody let you in",
            "You waited a quarter of an hour. Ask the organiser whether the meeting takes place, then join again.",
        ),
        (Language::English, Notice::EndedMeanwhile) => (
            Heed,
            "The meeting has ended",
            "It ended while you waited to be let in. Ask the organiser when the next one is.",
        ),
        (Language::English, Notice::NotLetIn) => (
            Heed,
            "You can't be let in now",
            "The cloud can't carry this room's call at the moment. Join again in a minute.",
        ),
        (Language::English, Notice::MeetingFull) => (
            Heed,
            "This meeting is full",
            "Nobody else can be let in until someone leaves. Whoever waits keeps their place in the lobby.",
        ),
        (Language::English, Notice::Revoked) => (
            Stop,
            "This room was removed from the organisation",
            "An administrator did this. To add it again, give the new code to your IT team.",
        ),
        (Language::English, Notice::NotRecognised) => (
            Stop,
            "The cloud no longer recognises this room",
            "Its certificate is not good any more. Give the new code to your IT team.",
        ),
        (Language::English, Notice::WrongCloud) => (
            Stop,
            "This is not the cloud that the room knows",
            "The room refuses to talk to it, to keep your meetings safe. Tell your IT team at once.",
        ),
        (Language::English, Notice::Updating) => (
            Heed,
            "This room is being updated",
            "It restarts by itself and is back in less than a minute. Please leave it switched on.",
        ),
        (Language::English, Notice::Restarting) => (
            Heed,
            "IT starts this room anew",
            "It is back in about a minute. There is nothing to do.",
        ),
        (Language::English, Notice::NoCloud) => (
            Stop,
            "This room does not know its cloud",
            "For IT: write the file cloud.toml onto the partition SITE of its disk, then switch the room off and on.",
        ),
        (Language::English, Notice::CloudMistaken) => (
            Stop,
            "The file cloud.toml of this room has a mistake",
            "For IT: compare it with the guide, write it onto the partition SITE again, then switch the room off and on.",
        ),
        (Language::English, Notice::UpdateFailed) => (
            Heed,
            "The update did not work in this room",
            "The room went back to what it ran before, and works as usual. Your IT team sees why.",
        ),
        (Language::English, Notice::Hot) => (
            Heed,
            "It is getting too hot inside this room's device",
            "Make sure that nothing covers it and that air can pass. If it stays like this, tell your IT team.",
        ),
        (Language::English, Notice::VeryHot) => (
            Stop,
            "This room's device is about to switch off",
            "It is far too hot inside. Uncover it and let air pass. Tell your IT team now.",
        ),
        (Language::English, Notice::ResetHeld) => (
            Heed,
            "The reset button was held",
            "Nothing was erased: this room can't be reset by its button yet. Your IT team can take it out of service.",
        ),
        (Language::English, Notice::ResetInCall) => (
            Heed,
            "A room in a meeting isn't reset",
            "Leave the meeting first, then hold the reset button again.",
        ),
        (Language::French, Notice::CameraLost) => (
            Heed,
            "Caméra introuvable",
            "Les autres ne voient plus la salle. Vérifiez le câble de la caméra, elle reprendra dès son retour.",
        ),
        (Language::French, Notice::MicrophoneLost) => (
            Heed,
            "Micro introuvable",
            "Les autres n'entendent plus la salle. Vérifiez le câble du micro, il reprendra dès son retour.",
        ),
        (Language::French, Notice::CallEnded) => (
            Heed,
            "La réunion est terminée",
            "Elle a été close pour tous, ou la salle en a été retirée. Rejoignez-la si vous n'aviez pas fini.",
        ),
        (Language::French, Notice::CallLost) => (
            Heed,
            "L'appel a été interrompu",
            "La salle a essayé d'y retourner, sans y parvenir. Rejoignez la réunion à nouveau.",
        ),
        (Language::French, Notice::TurnedAway) => (
            Heed,
            "Vous n'avez pas été admis",
            "La réunion ne peut pas vous accueillir pour l'instant. Demandez à l'organisateur ou revenez plus tard.",
        ),
        (Language::French, Notice::NobodyCame) => (
            Heed,
            "Personne ne vous a fait entrer",
            "Vous avez attendu un quart d'heure. Demandez à l'organisateur si la réunion a lieu, puis rejoignez-la.",
        ),
        (Language::French, Notice::EndedMeanwhile) => (
            Heed,
            "La réunion est terminée",
            "Elle s'est achevée pendant votre attente. Demandez à l'organisateur quand aura lieu la prochaine.",
        ),
        (Language::French, Notice::NotLetIn) => (
            Heed,
            "Impossible d'entrer pour l'instant",
            "Le cloud ne peut pas prendre l'appel de la salle. Rejoignez la réunion dans une minute.",
        ),
        (Language::French, Notice::MeetingFull) => (
            Heed,
            "La réunion est complète",
            "Personne ne peut plus entrer tant que quelqu'un n'est pas sorti. Ceux qui attendent gardent leur place.",
        ),
        (Language::French, Notice::Revoked) => (
            Stop,
            "Cette salle a été retirée de l'organisation",
            "Un administrateur l'a décidé. Pour la rattacher, donnez le nouveau code au service informatique.",
        ),
        (Language::French, Notice::NotRecognised) => (
            Stop,
            "Le cloud ne reconnaît plus cette salle",
            "Son certificat n'est plus valable. Donnez le nouveau code à votre service informatique.",
        ),
        (Language::French, Notice::WrongCloud) => (
            Stop,
            "Ce n'est pas le cloud que la salle connaît",
            "La salle refuse de lui parler pour protéger vos réunions. Prévenez tout de suite le service informatique.",
        ),
        (Language::French, Notice::Updating) => (
            Heed,
            "Cette salle est en cours de mise à jour",
            "Elle redémarre d'elle-même et revient en moins d'une minute. Merci de la laisser allumée.",
        ),
        (Language::French, Notice::Restarting) => (
            Heed,
            "L'informatique redémarre cette salle",
            "Elle revient dans une minute environ. Il n'y a rien à faire.",
        ),
        (Language::French, Notice::NoCloud) => (
            Stop,
            "Cette salle ne connaît pas son cloud",
            "Pour l'informatique : écrivez le fichier cloud.toml sur la partition SITE de son disque, puis éteignez et rallumez la salle.",
        ),
        (Language::French, Notice::CloudMistaken) => (
            Stop,
            "Le fichier cloud.toml de cette salle contient une erreur",
            "Pour l'informatique : comparez-le au guide, écrivez-le à nouveau sur la partition SITE, puis éteignez et rallumez la salle.",
        ),
        (Language::French, Notice::UpdateFailed) => (
            Heed,
            "La mise à jour n'a pas fonctionné ici",
            "La salle a repris sa version précédente et marche comme avant. Le service informatique en voit la raison.",
        ),
        (Language::French, Notice::Hot) => (
            Heed,
            "L'appareil de la salle chauffe trop",
            "Vérifiez que rien ne le recouvre et que l'air circule. Si cela dure, prévenez votre service informatique.",
        ),
        (Language::French, Notice::VeryHot) => (
            Stop,
            "L'appareil de la salle va s'éteindre",
            "Il y fait bien trop chaud. Dégagez-le, laissez l'air circuler et prévenez tout de suite le service informatique.",
        ),
        (Language::French, Notice::ResetHeld) => (
            Heed,
            "Le bouton de réinitialisation a été maintenu",
            "Rien n'a été effacé, ce bouton ne peut pas encore réinitialiser la salle. Votre service informatique peut la retirer du service.",
        ),
        (Language::French, Notice::ResetInCall) => (
            Heed,
            "Pas de réinitialisation pendant une réunion",
            "Quittez d'abord la réunion, puis maintenez de nouveau le bouton de réinitialisation.",
        ),
    }
}

/// How long the last question of a reset stands.
pub(crate) fn question_time(language: Language, seconds: u32) -> String {
    match language {
        Language::English => format!("Nothing is erased if you wait {}.", span(seconds)),
        Language::French => format!("Rien n'est effacé si vous attendez {}.", span(seconds)),
    }
}

/// When a room that was reset restarts.
pub(crate) fn restart_time(language: Language, seconds: u32) -> String {
    match language {
        Language::English => format!("It restarts by itself in {}.", span(seconds)),
        Language::French => format!("Elle redémarre d'elle-même dans {}.", span(seconds)),
    }
}

/// The receipt's title, and what was erased.
pub(crate) fn erased(language: Language, erased: Erased) -> (&'static str, &'static str) {
    match (language, erased) {
        (Language::English, Erased::Partition) => {
            ("Everything is erased", "The keys of its encrypted disk, and all that was on it.")
        }
        (Language::English, Erased::Folder) => {
            ("Everything is erased", "The content of its data folder.")
        }
        (Language::English, Erased::Nothing) => (
            "This room could not be erased",
            "Nothing for certain. Tell your IT team, and keep the device under lock.",
        ),
        (Language::French, Erased::Partition) => {
            ("Tout est effacé", "Les clés de son disque chiffré, et tout ce qu'il contenait.")
        }
        (Language::French, Erased::Folder) => {
            ("Tout est effacé", "Le contenu de son dossier de données.")
        }
        (Language::French, Erased::Nothing) => (
            "La salle n'a pas pu être effacée",
            "Rien de certain. Prévenez le service informatique et gardez l'appareil sous clé.",
        ),
    }
}

/// Whether the cloud has the receipt too. A room that belonged to nobody has no number.
pub(crate) fn noted(language: Language, numbered: bool, noted: bool) -> &'static str {
    match (language, numbered, noted) {
        (Language::English, false, _) => "This room belonged to no organisation.",
        (Language::English, true, true) => {
            "The cloud has noted it: your IT team sees the same number."
        }
        (Language::English, true, false) => {
            "The cloud has not noted it yet. Write the number down."
        }
        (Language::French, false, _) => "Cette salle n'appartenait à aucune organisation.",
        (Language::French, true, true) => {
            "Le cloud l'a enregistré, le service informatique y voit le même numéro."
        }
        (Language::French, true, false) => {
            "Le cloud ne l'a pas encore enregistré. Notez le numéro."
        }
    }
}

/// A date in words, without the year.
///
/// When a meeting is, by the clock on the wall: `09:30`. One that is on stands in another colour, and ends.
pub(crate) fn meeting_time(language: Language, now: bool, from: &str, until: &str) -> String {
    match (language, now) {
        (_, false) => format!("{from} – {until}"),
        (Language::English, true) => format!("Until {until}"),
        (Language::French, true) => format!("Jusqu'à {until}"),
    }
}

/// What a time of the room's calendar is called that says no name.
pub(crate) fn taken(language: Language) -> &'static str {
    match language {
        Language::English => "Room taken",
        Language::French => "Salle occupée",
    }
}

/// `weekday` counts from Monday, 0 to 6; `month` from January, 0 to 11; `day` is 1 to 31.
pub(crate) fn date(language: Language, weekday: usize, day: u32, month: usize) -> String {
    const ENGLISH_DAYS: [&str; 7] =
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    const ENGLISH_MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const FRENCH_DAYS: [&str; 7] =
        ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"];
    const FRENCH_MONTHS: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    let pick = |days: &[&'static str; 7], months: &[&'static str; 12]| {
        (
            days.get(weekday).copied().unwrap_or_default(),
            months.get(month).copied().unwrap_or_default(),
        )
    };
    match language {
        Language::English => {
            let (weekday, month) = pick(&ENGLISH_DAYS, &ENGLISH_MONTHS);
            format!("{weekday} {day} {month}")
        }
        Language::French => {
            let (weekday, month) = pick(&FRENCH_DAYS, &FRENCH_MONTHS);
            let day = if day == 1 { "1er".to_owned() } else { day.to_string() };
            format!("{weekday} {day} {month}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_panel_api::{StickFault, StickStep};
    use conclave_types::Version;

    const LANGUAGES: [Language; 2] = [Language::English, Language::French];

    fn sentences(language: Language) -> Vec<String> {
        let troubles = [
            Trouble::NotFound,
            Trouble::WrongPin { tries_left: 0 },
            Trouble::WrongPin { tries_left: 1 },
            Trouble::WrongPin { tries_left: 2 },
            Trouble::Wait { seconds: 0 },
            Trouble::Wait { seconds: 95 },
            Trouble::TooManyNumbers { seconds: 95 },
            Trouble::Full { capacity: 50 },
            Trouble::Busy,
            Trouble::LobbyFull,
            Trouble::LobbyUnsupported,
            Trouble::NoLink,
            Trouble::WrongResetCode { tries_left: 0 },
            Trouble::WrongResetCode { tries_left: 1 },
            Trouble::WrongResetCode { tries_left: 4 },
            Trouble::NoResetCode,
            Trouble::Media,
            Trouble::Other,
        ];
        let notices = [
            Notice::CameraLost,
            Notice::MicrophoneLost,
            Notice::CallEnded,
            Notice::CallLost,
            Notice::TurnedAway,
            Notice::NobodyCame,
            Notice::EndedMeanwhile,
            Notice::NotLetIn,
            Notice::MeetingFull,
            Notice::Revoked,
            Notice::NotRecognised,
            Notice::WrongCloud,
            Notice::Updating,
            Notice::UpdateFailed,
            Notice::Hot,
            Notice::VeryHot,
            Notice::ResetHeld,
            Notice::ResetInCall,
            Notice::NoCloud,
            Notice::CloudMistaken,
            Notice::Restarting,
            Notice::CameraNotAllowed,
            Notice::MicrophoneNotAllowed,
        ];
        let why = |why| StickStep::Unusable { why };
        let (running, version) = (Version(1, 2, 0), Version(1, 3, 0));
        let steps = [
            StickStep::Ask { running, version },
            why(StickFault::NotSigned),
            why(StickFault::WrongBoard),
            why(StickFault::NotNewer),
            why(StickFault::TriedBefore),
            why(StickFault::Copy),
            why(StickFault::Install),
            StickStep::Copying { percent: 0 },
            StickStep::Installing { percent: 99 },
            StickStep::Restarting,
        ];
        let erasures = [Erased::Partition, Erased::Folder, Erased::Nothing];
        let notes = [(false, false), (true, false), (true, true)];
        let links = [
            LinkState::Connecting,
            LinkState::Lost { retry_in_s: 0 },
            LinkState::Lost { retry_in_s: 9 },
        ];
        let health = [CallHealth::LinkLost, CallHealth::Rejoining];
        troubles
            .map(|each| trouble(language, each))
            .into_iter()
            .chain(notices.map(|each| notice(language, each).2.to_owned()))
            .chain([Look::Soon, Look::Over].map(|each| look(language, each).1.to_owned()))
            .chain(links.map(|each| link_sentence(language, each, true)))
            .chain(links.map(|each| link_sentence(language, each, false)))
            .chain(health.map(|each| call_health(language, each).to_owned()))
            .chain(health.map(|each| lobby_health(language, each).to_owned()))
            .chain([who_waits(language, &["Mo"]), who_waits(language, &["Mo", "Bo Li"])])
            .chain(erasures.map(|each| erased(language, each).1.to_owned()))
            .chain(notes.map(|(numbered, done)| noted(language, numbered, done).to_owned()))
            .chain(steps.map(|each| stick(language, each).1))
            .chain([question_time(language, 60), restart_time(language, 600)])
            .collect()
    }

    #[test]
    fn every_sentence_is_plain_and_whole() {
        const UNKIND: [&str; 10] = [
            "error", "invalid", "failed", "fail to", "!", "erreur", "invalide", "échec", "échoué",
            "illégal",
        ];
        for language in LANGUAGES {
            for sentence in sentences(language) {
                assert!(sentence.ends_with('.'), "{sentence}");
                assert!(!sentence.contains("{"), "{sentence}");
                for word in UNKIND {
                    assert!(!sentence.to_lowercase().contains(word), "{word:?} in {sentence}");
                }
            }
        }
    }

    #[test]
    fn no_sentence_was_left_untranslated() {
        for (english, french) in
            sentences(Language::English).into_iter().zip(sentences(Language::French))
        {
            assert_ne!(english, french);
        }
    }

    #[test]
    fn tries_are_counted_as_a_person_counts() {
        let say = |tries_left| trouble(Language::English, Trouble::WrongPin { tries_left });
        assert_eq!(say(2), "That PIN isn't right. 2 tries before a short wait.");
        assert_eq!(say(1), "That PIN isn't right. 1 try before a short wait.");
        assert_eq!(say(0), "That PIN isn't right. There is now a short wait.");
    }

    #[test]
    fn the_first_of_the_month_is_said_as_the_french_say_it() {
        assert_eq!(date(Language::French, 0, 1, 4), "lundi 1er mai");
        assert_eq!(date(Language::French, 6, 22, 10), "dimanche 22 novembre");
        assert_eq!(date(Language::English, 6, 22, 10), "Sunday 22 November");
        assert_eq!(date(Language::English, 9, 1, 40), " 1 ");
    }
}
