//! What the panel says of a stick with a new system.

use super::NBSP;
use conclave_panel_api::{Language, StickFault, StickStep};

/// Title and text of a stick with a new system.
pub(crate) fn stick(language: Language, step: StickStep) -> (String, String) {
    let (title, text) = match (language, step) {
        (Language::English, StickStep::Ask { running, version }) => {
            let text = format!(
                "This room runs {running}. Installing takes a few minutes, and the room restarts once. Leave it switched on."
            );
            return (format!("Install version {version} from the stick?"), text);
        }
        (Language::French, StickStep::Ask { running, version }) => {
            let text = format!(
                "La salle utilise la version {running}. L'installation prend quelques minutes et la salle redémarre une fois. Laissez-la allumée."
            );
            return (format!("Installer la version {version} depuis la clé{NBSP}?"), text);
        }
        (Language::English, StickStep::Unusable { why }) => {
            ("This stick can't update the room", stick_fault(language, why))
        }
        (Language::French, StickStep::Unusable { why }) => {
            ("Cette clé ne convient pas à la salle", stick_fault(language, why))
        }
        (Language::English, StickStep::Copying { .. }) => {
            ("Copying from the stick", "Leave the stick in, and the room switched on.")
        }
        (Language::French, StickStep::Copying { .. }) => {
            ("Copie depuis la clé", "Laissez la clé en place et la salle allumée.")
        }
        (Language::English, StickStep::Installing { .. }) => {
            ("Installing the new system", "You can take the stick out. Leave the room switched on.")
        }
        (Language::French, StickStep::Installing { .. }) => (
            "Installation du nouveau système",
            "Vous pouvez retirer la clé. Laissez la salle allumée.",
        ),
        (Language::English, StickStep::Restarting) => {
            ("The room restarts", "The new system is installed. The room is back in a few minutes.")
        }
        (Language::French, StickStep::Restarting) => (
            "La salle redémarre",
            "Le nouveau système est installé. La salle revient dans quelques minutes.",
        ),
    };
    (title.to_owned(), text.to_owned())
}

fn stick_fault(language: Language, why: StickFault) -> &'static str {
    match (language, why) {
        (Language::English, StickFault::NotSigned) => {
            "Its update isn't signed by whoever this room trusts, or is damaged. Nothing was changed. Copy it onto the stick again, or ask your IT team for the right one."
        }
        (Language::English, StickFault::WrongBoard) => {
            "Its update is made for another kind of device. Nothing was changed. Ask your IT team for the one for this room."
        }
        (Language::English, StickFault::NotNewer) => {
            "The room runs this version already, or a newer one. You can take the stick out."
        }
        (Language::English, StickFault::TriedBefore) => {
            "This version did not work in this room before, so it isn't tried again. Ask your IT team for a newer one."
        }
        (Language::English, StickFault::Copy) => {
            "Its update could not be copied: the stick was taken out, can't be read, or the room has no space left. Nothing was changed. Put it in again, or try another stick."
        }
        (Language::English, StickFault::Install) => {
            "Its update could not be installed. The room goes on as before. Tell your IT team: the reason stands in the room's log."
        }
        (Language::French, StickFault::NotSigned) => {
            "Sa mise à jour n'est pas signée par une autorité reconnue, ou elle est abîmée. Rien n'a changé. Copiez-la de nouveau sur la clé, ou demandez la bonne au service informatique."
        }
        (Language::French, StickFault::WrongBoard) => {
            "Sa mise à jour est faite pour un autre appareil. Rien n'a changé. Demandez au service informatique celle de cette salle."
        }
        (Language::French, StickFault::NotNewer) => {
            "La salle utilise déjà cette version, ou une plus récente. Vous pouvez retirer la clé."
        }
        (Language::French, StickFault::TriedBefore) => {
            "Cette version n'a pas fonctionné dans cette salle, elle n'y est plus essayée. Demandez-en une plus récente au service informatique."
        }
        (Language::French, StickFault::Copy) => {
            "La copie n'a pas abouti\u{a0}: clé retirée, illisible, ou plus de place dans la salle. Rien n'a changé. Remettez la clé, ou essayez-en une autre."
        }
        (Language::French, StickFault::Install) => {
            "L'installation n'a pas abouti. La salle continue comme avant. Prévenez le service informatique\u{a0}: la raison est dans le journal de la salle."
        }
    }
}
