//! The directory with a clock beside it: how long each change took until it was on the disk.

use crate::metrics::Histogram;
use conclave_directory::entry::{Entry, SignUpDomain, TwoFactors};
use conclave_directory::pin_tries::Verdict;
use conclave_directory::repository::{
    ApiTokens, Appointments, Audit, AwaitedDevices, Calendars, Entries, Organisations, Passkeys,
    PinTries, Records, Resets, RoomSettings, Rooms, SecondFactors, Updates, Vmrs, Webhooks,
};
use conclave_directory::usage::{Usage, Wanted};
use conclave_directory::webhooks::{Delivery, Webhook};
use conclave_directory::{
    AddPersonError, AddReleaseError, AddVmrError, ApiToken, Appointment, AuditCheck, AuditEntry,
    AuditRow, AwaitedDevice, CallRecord, CredentialId, EnrolError, Group, GroupError,
    KeyFingerprint, Organisation, OrganisationError, Passkey, People, Person, PinHash, Place,
    RecordEntry, Reset, ResetOutcome, Room, RoomCalendar, RoomUpdate, SecondFactor, Session, Sight,
    SqliteDirectory, StoreError, StoredRelease, StoredRollout, StoredSettings, TakenRoom,
    TokenHash, Vmr,
};
use conclave_rollout::Saved;
use conclave_types::{
    ApiTokenId, Compatible, DisplayName, EmailAddress, GroupId, OrganisationId, PasskeyId,
    PersonId, ResetNumber, RoomId, UnixTime, Version, VmrId, VmrNumber, WebhookId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Seconds that changes took; shared by the directory and the page of metrics, which one task owns
/// both, so nobody ever waits for the lock.
pub(super) type Commits = Arc<Mutex<Histogram>>;

/// The directory, timed.
pub(super) struct Timed {
    directory: SqliteDirectory,
    commits: Commits,
}

impl Timed {
    pub(super) fn new(directory: SqliteDirectory) -> (Timed, Commits) {
        let commits = Arc::new(Mutex::new(Histogram::of_seconds()));
        (Timed { directory, commits: commits.clone() }, commits)
    }

    fn change<T>(&mut self, work: impl FnOnce(&mut SqliteDirectory) -> T) -> T {
        let begun = Instant::now();
        let done = work(&mut self.directory);
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        commits.observe(begun.elapsed().as_secs_f64());
        done
    }
}

macro_rules! timed {
    ($trait:ident {
        $(change $change:ident($($arg:ident: $type:ty),*) -> $changed:ty;)*
        $(read $read:ident($($of:ident: $kind:ty),*) -> $found:ty;)*
    }) => {
        impl $trait for Timed {
            $(fn $change(&mut self, $($arg: $type),*) -> $changed {
                self.change(|directory| directory.$change($($arg),*))
            })*
            $(fn $read(&self, $($of: $kind),*) -> $found {
                self.directory.$read($($of),*)
            })*
        }
    };
}

timed!(Organisations {
    change add_organisation(organisation: &Organisation) -> Result<(), OrganisationError>;
    change rename_organisation(id: OrganisationId, name: &DisplayName) -> Result<bool, OrganisationError>;
    read organisations() -> Result<Vec<Organisation>, StoreError>;
});

timed!(Rooms {
    change enrol(room: &Room) -> Result<(), EnrolError>;
    change rename_room(id: RoomId, name: &DisplayName) -> Result<bool, EnrolError>;
    change certificate_signed(id: RoomId, expires: UnixTime) -> Result<(), StoreError>;
    change revoke_room(id: RoomId, at: UnixTime) -> Result<bool, StoreError>;
    change forget_room(id: RoomId) -> Result<bool, StoreError>;
    read room(id: RoomId) -> Result<Option<Room>, StoreError>;
    read room_with_key(key: KeyFingerprint) -> Result<Option<Room>, StoreError>;
    read rooms() -> Result<Vec<Room>, StoreError>;
});

timed!(RoomSettings {
    change keep_settings(settings: &StoredSettings) -> Result<(), StoreError>;
    change add_group(group: &Group) -> Result<(), GroupError>;
    change rename_group(id: GroupId, name: &DisplayName) -> Result<bool, GroupError>;
    change remove_group(id: GroupId) -> Result<bool, StoreError>;
    change keep_place(room: RoomId, place: &Place) -> Result<(), StoreError>;
    read room_settings() -> Result<Vec<StoredSettings>, StoreError>;
    read groups() -> Result<Vec<Group>, StoreError>;
    read places() -> Result<Vec<(RoomId, Place)>, StoreError>;
});

timed!(AwaitedDevices {
    change await_devices(devices: &[AwaitedDevice]) -> Result<(), StoreError>;
    change await_no_more(room: RoomId) -> Result<bool, StoreError>;
    change await_no_more_since(before: UnixTime) -> Result<u32, StoreError>;
    change enrol_awaited(room: &Room, awaited: &AwaitedDevice) -> Result<(), EnrolError>;
    read awaited() -> Result<Vec<AwaitedDevice>, StoreError>;
});

impl Audit for Timed {
    fn stage(&mut self, entry: AuditEntry) {
        self.directory.stage(entry);
    }

    fn drop_staged(&mut self) {
        self.directory.drop_staged();
    }

    fn keep_staged(&mut self) -> Result<(), StoreError> {
        self.change(|directory| directory.keep_staged())
    }

    fn audit_rows(
        &self,
        organisation: Option<OrganisationId>,
        below: u64,
        most: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.directory.audit_rows(organisation, below, most)
    }

    fn check_audit(&self) -> Result<AuditCheck, StoreError> {
        self.directory.check_audit()
    }

    fn remove_audit(&mut self, before: UnixTime) -> Result<u32, StoreError> {
        self.change(|directory| directory.remove_audit(before))
    }
}

timed!(People {
    change add_person(person: &Person) -> Result<(), AddPersonError>;
    change keep_person(person: &Person) -> Result<bool, StoreError>;
    change remove_person(id: PersonId) -> Result<bool, StoreError>;
    change add_session(session: &Session) -> Result<(), StoreError>;
    change session_seen(token: TokenHash, at: UnixTime) -> Result<(), StoreError>;
    change session_has_both_factors(token: TokenHash) -> Result<(), StoreError>;
    change end_session(token: TokenHash) -> Result<bool, StoreError>;
    change end_sessions(person: PersonId, but: Option<TokenHash>) -> Result<u32, StoreError>;
    change remove_sessions(before: UnixTime) -> Result<u32, StoreError>;
    change add_invitation(token: TokenHash, person: PersonId, expires_at: UnixTime) -> Result<(), StoreError>;
    change forget_invitations(person: PersonId) -> Result<(), StoreError>;
    read anybody() -> Result<bool, StoreError>;
    read person(organisation: OrganisationId, id: PersonId) -> Result<Option<Person>, StoreError>;
    read people(organisation: OrganisationId) -> Result<Vec<Person>, StoreError>;
    read people_with_email(email: &EmailAddress) -> Result<Vec<Person>, StoreError>;
    read session(token: TokenHash) -> Result<Option<(Session, Person)>, StoreError>;
    read known_device(device: TokenHash, email: &EmailAddress) -> Result<bool, StoreError>;
    read invited(token: TokenHash, now: UnixTime) -> Result<Option<Person>, StoreError>;
});

timed!(Vmrs {
    change add_vmr(vmr: &Vmr) -> Result<(), AddVmrError>;
    change remove_vmr(id: VmrId) -> Result<bool, StoreError>;
    change change_vmr(id: VmrId, name: &DisplayName, capacity: u32, lobby: bool) -> Result<bool, StoreError>;
    change set_moderators(id: VmrId, people: &[PersonId]) -> Result<(), StoreError>;
    change set_pin(id: VmrId, pin: Option<&PinHash>) -> Result<bool, StoreError>;
    read vmr(organisation: OrganisationId, number: &VmrNumber) -> Result<Option<Vmr>, StoreError>;
    read vmr_with_id(id: VmrId) -> Result<Option<Vmr>, StoreError>;
    read vmrs() -> Result<Vec<Vmr>, StoreError>;
});

timed!(Appointments {
    change add_appointment(vmr: &Vmr, new: &Appointment) -> Result<(), AddVmrError>;
    change keep_appointment(title: &DisplayName, lobby: bool, changed: &Appointment) -> Result<bool, StoreError>;
    read appointments() -> Result<Vec<Appointment>, StoreError>;
});

timed!(Calendars {
    change keep_calendar(calendar: &RoomCalendar) -> Result<bool, StoreError>;
    change remove_calendar(room: RoomId) -> Result<bool, StoreError>;
    read calendars() -> Result<Vec<RoomCalendar>, StoreError>;
});

timed!(ApiTokens {
    change add_api_token(token: &ApiToken) -> Result<(), StoreError>;
    change api_token_used(id: ApiTokenId, at: UnixTime) -> Result<(), StoreError>;
    change remove_api_token(person: PersonId, id: ApiTokenId) -> Result<bool, StoreError>;
    read api_token(token: TokenHash) -> Result<Option<(ApiToken, Person)>, StoreError>;
    read api_tokens(person: PersonId) -> Result<Vec<ApiToken>, StoreError>;
});

timed!(SecondFactors {
    change keep_second_factor(person: PersonId, factor: &SecondFactor, recovery: &[TokenHash]) -> Result<(), StoreError>;
    change take_step(person: PersonId, step: u64) -> Result<bool, StoreError>;
    change take_recovery_code(person: PersonId, code: TokenHash) -> Result<bool, StoreError>;
    change remove_second_factor(person: PersonId) -> Result<bool, StoreError>;
    read second_factor(person: PersonId) -> Result<Option<SecondFactor>, StoreError>;
    read with_second_factor(organisation: OrganisationId) -> Result<BTreeSet<PersonId>, StoreError>;
});

timed!(Passkeys {
    change add_passkey(passkey: &Passkey) -> Result<bool, StoreError>;
    change passkey_used(id: PasskeyId, before: &str, after: &str, at: UnixTime) -> Result<bool, StoreError>;
    change remove_passkey(person: PersonId, id: PasskeyId) -> Result<bool, StoreError>;
    change remove_passkeys(person: PersonId) -> Result<u32, StoreError>;
    read passkey(credential: &CredentialId) -> Result<Option<(Passkey, Person)>, StoreError>;
    read passkeys(person: PersonId) -> Result<Vec<Passkey>, StoreError>;
    read with_passkeys(organisation: OrganisationId) -> Result<BTreeMap<PersonId, u32>, StoreError>;
});

timed!(Entries {
    change keep_two_factors(organisation: OrganisationId, of: TwoFactors) -> Result<(), StoreError>;
    change add_domain(organisation: OrganisationId, domain: &SignUpDomain) -> Result<bool, StoreError>;
    change remove_domain(organisation: OrganisationId, domain: &SignUpDomain) -> Result<bool, StoreError>;
    change add_sign_up(token: TokenHash, organisation: OrganisationId, email: &EmailAddress, expires_at: UnixTime) -> Result<(), StoreError>;
    change forget_sign_up(token: TokenHash) -> Result<(), StoreError>;
    read entry(organisation: OrganisationId) -> Result<Entry, StoreError>;
    read organisation_of_address(email: &EmailAddress) -> Result<Option<OrganisationId>, StoreError>;
    read any_domain() -> Result<bool, StoreError>;
    read sign_up(token: TokenHash, now: UnixTime) -> Result<Option<(OrganisationId, EmailAddress)>, StoreError>;
});

timed!(Webhooks {
    change keep_webhook(webhook: &Webhook) -> Result<(), StoreError>;
    change remove_webhook(id: WebhookId) -> Result<bool, StoreError>;
    change add_deliveries(deliveries: &[Delivery]) -> Result<(), StoreError>;
    change keep_delivery(delivery: &Delivery) -> Result<(), StoreError>;
    read webhooks() -> Result<Vec<Webhook>, StoreError>;
    read waiting_deliveries() -> Result<Vec<Delivery>, StoreError>;
    read deliveries(webhook: WebhookId, most: u32) -> Result<Vec<Delivery>, StoreError>;
});

timed!(PinTries {
    change begin_try(room: RoomId, vmr: VmrId, now: UnixTime) -> Result<Verdict, StoreError>;
    change entered(room: RoomId, vmr: VmrId, now: UnixTime) -> Result<(), StoreError>;
});

timed!(Records {
    change keep(entries: &[RecordEntry]) -> Result<(), StoreError>;
    change close_dangling(at: UnixTime) -> Result<u32, StoreError>;
    change remove_records(organisation: Option<OrganisationId>, before: UnixTime) -> Result<u32, StoreError>;
    read taken_out(since: UnixTime, most: u32) -> Result<Vec<(VmrId, RoomId)>, StoreError>;
    read usage(wanted: Wanted, sight: Sight) -> Result<Usage, StoreError>;
    read call_records(organisation: OrganisationId, sight: Sight, most: u32) -> Result<Vec<CallRecord>, StoreError>;
});

timed!(Updates {
    change add_release(release: &StoredRelease) -> Result<(), AddReleaseError>;
    change remove_release(version: Version, compatible: &Compatible) -> Result<bool, StoreError>;
    change keep_room_update(update: &RoomUpdate) -> Result<(), StoreError>;
    change add_rollout(rollout: &StoredRollout) -> Result<(), StoreError>;
    change keep_rollout(id: u32, saved: Saved) -> Result<(), StoreError>;
    change keep_taken(id: u32, taken: &TakenRoom) -> Result<(), StoreError>;
    change forget_taken(id: u32, room: RoomId) -> Result<(), StoreError>;
    read releases() -> Result<Vec<StoredRelease>, StoreError>;
    read room_updates() -> Result<Vec<RoomUpdate>, StoreError>;
    read rollouts() -> Result<Vec<StoredRollout>, StoreError>;
    read taken(id: u32) -> Result<Vec<TakenRoom>, StoreError>;
});

timed!(Resets {
    change add_reset(reset: &Reset) -> Result<(), StoreError>;
    change withdraw_reset(room: RoomId) -> Result<bool, StoreError>;
    change reset_told(number: ResetNumber, outcome: ResetOutcome, at: UnixTime) -> Result<(), StoreError>;
    read reset(number: ResetNumber) -> Result<Option<Reset>, StoreError>;
    read ordered_reset(room: RoomId) -> Result<Option<Reset>, StoreError>;
    read resets(organisation: OrganisationId, most: u32) -> Result<Vec<Reset>, StoreError>;
});
