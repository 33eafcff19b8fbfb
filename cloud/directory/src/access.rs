//! Who may do what: the one table that every request of a person is held against.
//!
//! A person has one role in one organisation. What is another organisation's is not there for them,
//! whatever their role: that is not asked here but by every query, which names the organisation.

use crate::words::stored_words;

stored_words! {
    /// What a person is in their organisation.
    Role:
    /// Manages the organisation's rooms, meeting rooms, people and reports.
    Administrator = "administrator", "administrator";
    /// Schedules meetings.
    Organiser = "organiser", "organiser";
    /// Joins.
    Member = "member", "member";
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Administrator, Role::Organiser, Role::Member];
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)*;)*) => {
        /// Something that a person may want to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// All of them.
            pub const ALL: &[Action] = &[$(Action::$name,)*];

            /// Who may.
            fn roles(self) -> &'static [Role] {
                match self { $(Action::$name => &[$(Role::$role,)*],)* }
            }
        }
    };
}

actions! {
    /// See one's own account, change its password, end its sessions.
    OwnAccount: Administrator Organiser Member;
    /// See the organisation's meeting rooms.
    SeeMeetingRooms: Administrator Organiser Member;
    /// Make, change and remove meeting rooms.
    ChangeMeetingRooms: Administrator;
    /// See the organisation's rooms, with their state.
    SeeRooms: Administrator;
    /// Enrol a room that shows a code.
    EnrolRooms: Administrator;
    /// Rename rooms.
    ChangeRooms: Administrator;
    /// Say how rooms are set, and in which group they are.
    SetRooms: Administrator;
    /// Shut rooms out.
    RemoveRooms: Administrator;
    /// See who has an account.
    SeePeople: Administrator;
    /// Give people accounts and roles, suspend and remove them.
    ChangePeople: Administrator;
    /// See which meetings are on, and end them.
    RunMeetings: Administrator;
    /// See records of calls.
    Reports: Administrator;
    /// See what was done in the organisation, and who signed in.
    SeeAudit: Administrator;
}

/// Whether a role allows an action.
pub fn allowed(role: Role, action: Action) -> bool {
    action.roles().contains(&role)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every role and every action, written down a second time and on purpose: who changes the rules changes
    /// both. In the order of [`Role::ALL`].
    const TABLE: &[(Action, [bool; 3])] = &[
        (Action::OwnAccount, [true, true, true]),
        (Action::SeeMeetingRooms, [true, true, true]),
        (Action::ChangeMeetingRooms, [true, false, false]),
        (Action::SeeRooms, [true, false, false]),
        (Action::EnrolRooms, [true, false, false]),
        (Action::ChangeRooms, [true, false, false]),
        (Action::SetRooms, [true, false, false]),
        (Action::RemoveRooms, [true, false, false]),
        (Action::SeePeople, [true, false, false]),
        (Action::ChangePeople, [true, false, false]),
        (Action::RunMeetings, [true, false, false]),
        (Action::Reports, [true, false, false]),
        (Action::SeeAudit, [true, false, false]),
    ];

    #[test]
    fn every_role_may_do_what_the_table_says_and_nothing_else() {
        let named: Vec<Action> = TABLE.iter().map(|(action, _)| *action).collect();
        assert_eq!(named, Action::ALL, "an action is missing here");
        for (action, row) in TABLE {
            for (role, may) in Role::ALL.into_iter().zip(row) {
                assert_eq!(allowed(role, *action), *may, "{role:?}: {action:?}");
            }
        }
    }
}
