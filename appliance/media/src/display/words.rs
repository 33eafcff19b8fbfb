//! Every word that the front display shows, in English and French.

use conclave_panel_api::Language;
use conclave_room::media::Banner;

/// What the display says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phrase {
    CameraOff,
    NoCamera,
    WaitingForPicture,
    Joining,
    JoiningHint,
    FirstHere,
    FirstHereHint,
    OthersLeft,
    OthersLeftHint,
    You,
    HowToJoin,
    NotEnrolled,
    WhereToType,
    Starting,
    StartingHint,
    LinkLost,
    Rejoining,
}

impl From<Banner> for Phrase {
    fn from(banner: Banner) -> Phrase {
        match banner {
            Banner::LinkLost => Phrase::LinkLost,
            Banner::Rejoining => Phrase::Rejoining,
        }
    }
}

/// The phrase in a language.
pub(super) fn say(phrase: Phrase, language: Language) -> &'static str {
    let (english, french) = match phrase {
        Phrase::CameraOff => ("Camera off", "Caméra coupée"),
        Phrase::NoCamera => ("No camera", "Pas de caméra"),
        Phrase::WaitingForPicture => ("Waiting for picture…", "En attente de l’image…"),
        Phrase::Joining => ("Joining the meeting…", "Vous rejoignez la réunion…"),
        Phrase::JoiningHint => ("This takes a moment.", "Encore un instant."),
        Phrase::FirstHere => ("You are the first one here", "Vous êtes les premiers"),
        Phrase::FirstHereHint => {
            ("The others appear here as they join.", "Les autres apparaîtront ici en arrivant.")
        }
        Phrase::OthersLeft => ("Everyone else has left", "Tous les autres sont partis"),
        Phrase::OthersLeftHint => (
            "Stay if you expect someone, or leave on the panel.",
            "Restez si vous attendez quelqu’un, ou quittez depuis la tablette.",
        ),
        Phrase::You => ("You", "Vous"),
        Phrase::HowToJoin => (
            "Touch the panel on the table to join a meeting.",
            "Touchez la tablette sur la table pour rejoindre une réunion.",
        ),
        Phrase::NotEnrolled => {
            ("Almost ready: give this room its name", "Presque prête : donnez un nom à cette salle")
        }
        Phrase::WhereToType => (
            "IT claims this room with this code, on the organisation’s Conclave cloud.",
            "Le service informatique rattache la salle avec ce code, sur le cloud Conclave.",
        ),
        Phrase::Starting => ("Starting…", "Démarrage…"),
        Phrase::StartingHint => (
            "The activation code appears once the cloud answers.",
            "Le code d’activation s’affiche dès que le cloud répond.",
        ),
        Phrase::LinkLost => (
            "The link is lost. Picture and sound go on; the room reconnects by itself.",
            "La liaison est perdue. L’image et le son continuent ; la salle se reconnecte seule.",
        ),
        Phrase::Rejoining => (
            "The call broke off. The room is going back in by itself.",
            "L’appel a été interrompu. La salle y retourne d’elle-même.",
        ),
    };
    match language {
        Language::English => english,
        Language::French => french,
    }
}
