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
    /// Calls meetings.
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
    /// Make, see and remove one's own tokens for scripts.
    OwnTokens: Administrator Organiser Member;
    /// See the organisation's meeting rooms.
    SeeMeetingRooms: Administrator Organiser Member;
    /// Make, change and remove meeting rooms.
    ChangeMeetingRooms: Administrator;
    /// See the meetings that one has called or is invited to.
    SeeOwnMeetings: Administrator Organiser Member;
    /// Call a meeting, change it, cancel it.
    CallMeetings: Administrator Organiser;
    /// Look for something in all that one may see.
    Search: Administrator Organiser Member;
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
    /// Give people accounts, links to get into them, and roles; take second factors away.
    OpenAccounts: Administrator;
    /// Rename, suspend and remove people.
    ChangePeople: Administrator;
    /// See and say of whom a second factor is wanted, and whose people may make themselves an account.
    RuleEntry: Administrator;
    /// See the meetings that are on and that one may let others into, and who waits in their lobbies; let in, turn away.
    KeepLobbies: Administrator Organiser Member;
    /// End meetings.
    RunMeetings: Administrator;
    /// See records of calls.
    Reports: Administrator;
    /// See what was done in the organisation, and who signed in.
    SeeAudit: Administrator;
    /// Make, change and remove webhooks, and see what they were told.
    RunWebhooks: Administrator;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $($action:ident)*;)*) => {
        /// What a token is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Scope { $($(#[$doc])* $name,)* }

        impl Scope {
            /// All of them.
            pub const ALL: &[Scope] = &[$(Scope::$name,)*];

            /// Its word, which never changes.
            pub fn as_str(self) -> &'static str {
                match self { $(Scope::$name => $text,)* }
            }

            pub(crate) fn from_str(text: &str) -> Option<Scope> {
                match text { $($text => Some(Scope::$name),)* _ => None }
            }

            /// What may be done with it, by somebody whose role allows it.
            pub fn allows(self, action: Action) -> bool {
                match self { $(Scope::$name => [$(Action::$action),*].contains(&action),)* }
            }
        }
    };
}

// No scope has one's own account, nor a look through everything, nor tokens, nor what lets somebody into an account: a token is no way to another one, nor to
// a session.
scopes! {
    /// See rooms, their state and their settings.
    RoomsRead = "rooms:read": SeeRooms;
    /// See rooms, and enrol, change, set and remove them.
    RoomsWrite = "rooms:write": SeeRooms EnrolRooms ChangeRooms SetRooms RemoveRooms;
    /// See meeting rooms.
    MeetingRoomsRead = "meeting-rooms:read": SeeMeetingRooms;
    /// See meeting rooms, and make, change and remove them.
    MeetingRoomsWrite = "meeting-rooms:write": SeeMeetingRooms ChangeMeetingRooms;
    /// See one's schedule.
    ScheduleRead = "schedule:read": SeeOwnMeetings;
    /// See one's schedule, and call meetings.
    ScheduleWrite = "schedule:write": SeeOwnMeetings CallMeetings;
    /// See which meetings are on and who waits for them, let in, turn away, and end them.
    MeetingsRun = "meetings:run": KeepLobbies RunMeetings;
    /// See who has an account.
    PeopleRead = "people:read": SeePeople;
    /// See who has an account, rename, suspend and remove.
    PeopleWrite = "people:write": SeePeople ChangePeople;
    /// See records of calls.
    ReportsRead = "reports:read": Reports;
    /// See the audit log.
    AuditRead = "audit:read": SeeAudit;
    /// Make, change and remove webhooks.
    WebhooksWrite = "webhooks:write": RunWebhooks;
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
        (Action::OwnTokens, [true, true, true]),
        (Action::SeeMeetingRooms, [true, true, true]),
        (Action::ChangeMeetingRooms, [true, false, false]),
        (Action::SeeOwnMeetings, [true, true, true]),
        (Action::CallMeetings, [true, true, false]),
        (Action::Search, [true, true, true]),
        (Action::SeeRooms, [true, false, false]),
        (Action::EnrolRooms, [true, false, false]),
        (Action::ChangeRooms, [true, false, false]),
        (Action::SetRooms, [true, false, false]),
        (Action::RemoveRooms, [true, false, false]),
        (Action::SeePeople, [true, false, false]),
        (Action::OpenAccounts, [true, false, false]),
        (Action::ChangePeople, [true, false, false]),
        (Action::RuleEntry, [true, false, false]),
        (Action::KeepLobbies, [true, true, true]),
        (Action::RunMeetings, [true, false, false]),
        (Action::Reports, [true, false, false]),
        (Action::SeeAudit, [true, false, false]),
        (Action::RunWebhooks, [true, false, false]),
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

    /// The same of scopes.
    const SCOPES: &[(&str, &[Action])] = &[
        ("rooms:read", &[Action::SeeRooms]),
        (
            "rooms:write",
            &[
                Action::SeeRooms,
                Action::EnrolRooms,
                Action::ChangeRooms,
                Action::SetRooms,
                Action::RemoveRooms,
            ],
        ),
        ("meeting-rooms:read", &[Action::SeeMeetingRooms]),
        ("meeting-rooms:write", &[Action::SeeMeetingRooms, Action::ChangeMeetingRooms]),
        ("schedule:read", &[Action::SeeOwnMeetings]),
        ("schedule:write", &[Action::SeeOwnMeetings, Action::CallMeetings]),
        ("meetings:run", &[Action::KeepLobbies, Action::RunMeetings]),
        ("people:read", &[Action::SeePeople]),
        ("people:write", &[Action::SeePeople, Action::ChangePeople]),
        ("reports:read", &[Action::Reports]),
        ("audit:read", &[Action::SeeAudit]),
        ("webhooks:write", &[Action::RunWebhooks]),
    ];

    #[test]
    fn every_scope_allows_what_the_table_says_and_nothing_else() {
        let named: Vec<&str> = SCOPES.iter().map(|(word, _)| *word).collect();
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        assert_eq!(named, all, "a scope is missing here");
        for (word, actions) in SCOPES {
            let scope = Scope::from_str(word).expect("its word names it");
            for action in Action::ALL {
                assert_eq!(scope.allows(*action), actions.contains(action), "{word}: {action:?}");
            }
        }
    }
}
