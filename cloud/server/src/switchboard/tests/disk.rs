//! The store of the switchboard's tests: SQLite in memory, which can be told to be full.

use super::*;
use conclave_directory::entry::{Entry, SignUpDomain, TwoFactors};
use conclave_directory::webhooks::{Delivery, Webhook};
use conclave_directory::{AddPersonError, Person, Session, TokenHash};
use conclave_directory::{AddReleaseError, RoomUpdate, StoredRelease, StoredRollout, TakenRoom};
use conclave_directory::{AddVmrError, CallRecord, EnrolError, Room, Vmr, pin_tries::Verdict};
use conclave_directory::{
    ApiToken, Appointment, AwaitedDevice, CredentialId, Passkey, RoomCalendar, SecondFactor,
};
use conclave_directory::{AuditCheck, AuditEntry, AuditRow, Organisation, OrganisationError};
use conclave_directory::{Group, GroupError, Place, StoredSettings};
use conclave_directory::{Reset, ResetOutcome as StoredOutcome};
use conclave_rollout::Saved;

/// A SQLite directory that outlives the switchboard, as a file outlives a process.
#[derive(Clone)]
pub(super) struct Disk(pub(super) Arc<Mutex<SqliteDirectory>>, pub(super) Arc<Mutex<Space>>);

/// Whether records can be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Left,
    None,
}

macro_rules! through {
    ($trait:ident { $(fn $name:ident(&$($m:ident)? ; $($arg:ident: $type:ty),*) -> $result:ty;)* }) => {
        impl conclave_directory::repository::$trait for Disk {
            $(fn $name(&$($m)? self, $($arg: $type),*) -> $result {
                self.0.lock().unwrap().$name($($arg),*)
            })*
        }
    };
}

through!(Organisations {
    fn add_organisation(&mut; organisation: &Organisation) -> Result<(), OrganisationError>;
    fn organisations(&;) -> Result<Vec<Organisation>, StoreError>;
    fn rename_organisation(&mut; id: OrganisationId, name: &DisplayName) -> Result<bool, OrganisationError>;
});
through!(Rooms {
    fn enrol(&mut; room: &Room) -> Result<(), EnrolError>;
    fn room(&; id: RoomId) -> Result<Option<Room>, StoreError>;
    fn room_with_key(&; key: KeyFingerprint) -> Result<Option<Room>, StoreError>;
    fn rooms(&;) -> Result<Vec<Room>, StoreError>;
    fn rename_room(&mut; id: RoomId, name: &DisplayName) -> Result<bool, EnrolError>;
    fn certificate_signed(&mut; id: RoomId, expires: UnixTime) -> Result<(), StoreError>;
    fn revoke_room(&mut; id: RoomId, at: UnixTime) -> Result<bool, StoreError>;
    fn forget_room(&mut; id: RoomId) -> Result<bool, StoreError>;
});
through!(RoomSettings {
    fn room_settings(&;) -> Result<Vec<StoredSettings>, StoreError>;
    fn keep_settings(&mut; settings: &StoredSettings) -> Result<(), StoreError>;
    fn groups(&;) -> Result<Vec<Group>, StoreError>;
    fn add_group(&mut; group: &Group) -> Result<(), GroupError>;
    fn rename_group(&mut; id: GroupId, name: &DisplayName) -> Result<bool, GroupError>;
    fn remove_group(&mut; id: GroupId) -> Result<bool, StoreError>;
    fn places(&;) -> Result<Vec<(RoomId, Place)>, StoreError>;
    fn keep_place(&mut; room: RoomId, place: &Place) -> Result<(), StoreError>;
});
through!(Appointments {
    fn appointments(&;) -> Result<Vec<Appointment>, StoreError>;
    fn add_appointment(&mut; vmr: &Vmr, new: &Appointment) -> Result<(), AddVmrError>;
    fn keep_appointment(&mut; title: &DisplayName, lobby: bool, changed: &Appointment) -> Result<bool, StoreError>;
});
through!(Calendars {
    fn calendars(&;) -> Result<Vec<RoomCalendar>, StoreError>;
    fn keep_calendar(&mut; calendar: &RoomCalendar) -> Result<bool, StoreError>;
    fn remove_calendar(&mut; room: RoomId) -> Result<bool, StoreError>;
});
through!(ApiTokens {
    fn add_api_token(&mut; token: &ApiToken) -> Result<(), StoreError>;
    fn api_token(&; token: TokenHash) -> Result<Option<(ApiToken, Person)>, StoreError>;
    fn api_tokens(&; person: PersonId) -> Result<Vec<ApiToken>, StoreError>;
    fn api_token_used(&mut; id: ApiTokenId, at: UnixTime) -> Result<(), StoreError>;
    fn remove_api_token(&mut; person: PersonId, id: ApiTokenId) -> Result<bool, StoreError>;
});
through!(SecondFactors {
    fn keep_second_factor(&mut; person: PersonId, factor: &SecondFactor, recovery: &[TokenHash]) -> Result<(), StoreError>;
    fn take_step(&mut; person: PersonId, step: u64) -> Result<bool, StoreError>;
    fn take_recovery_code(&mut; person: PersonId, code: TokenHash) -> Result<bool, StoreError>;
    fn remove_second_factor(&mut; person: PersonId) -> Result<bool, StoreError>;
    fn second_factor(&; person: PersonId) -> Result<Option<SecondFactor>, StoreError>;
    fn with_second_factor(&; organisation: OrganisationId) -> Result<std::collections::BTreeSet<PersonId>, StoreError>;
});
through!(Passkeys {
    fn add_passkey(&mut; passkey: &Passkey) -> Result<bool, StoreError>;
    fn passkey(&; credential: &CredentialId) -> Result<Option<(Passkey, Person)>, StoreError>;
    fn passkeys(&; person: PersonId) -> Result<Vec<Passkey>, StoreError>;
    fn with_passkeys(&; organisation: OrganisationId) -> Result<BTreeMap<PersonId, u32>, StoreError>;
    fn passkey_used(&mut; id: PasskeyId, before: &str, after: &str, at: UnixTime) -> Result<bool, StoreError>;
    fn remove_passkey(&mut; person: PersonId, id: PasskeyId) -> Result<bool, StoreError>;
    fn remove_passkeys(&mut; person: PersonId) -> Result<u32, StoreError>;
});
through!(Entries {
    fn entry(&; organisation: OrganisationId) -> Result<Entry, StoreError>;
    fn keep_two_factors(&mut; organisation: OrganisationId, of: TwoFactors) -> Result<(), StoreError>;
    fn add_domain(&mut; organisation: OrganisationId, domain: &SignUpDomain) -> Result<bool, StoreError>;
    fn remove_domain(&mut; organisation: OrganisationId, domain: &SignUpDomain) -> Result<bool, StoreError>;
    fn organisation_of_address(&; email: &EmailAddress) -> Result<Option<OrganisationId>, StoreError>;
    fn any_domain(&;) -> Result<bool, StoreError>;
    fn add_sign_up(&mut; token: TokenHash, organisation: OrganisationId, email: &EmailAddress, expires_at: UnixTime) -> Result<(), StoreError>;
    fn sign_up(&; token: TokenHash, now: UnixTime) -> Result<Option<(OrganisationId, EmailAddress)>, StoreError>;
    fn forget_sign_up(&mut; token: TokenHash) -> Result<(), StoreError>;
});
through!(Webhooks {
    fn keep_webhook(&mut; webhook: &Webhook) -> Result<(), StoreError>;
    fn remove_webhook(&mut; id: WebhookId) -> Result<bool, StoreError>;
    fn add_deliveries(&mut; deliveries: &[Delivery]) -> Result<(), StoreError>;
    fn keep_delivery(&mut; delivery: &Delivery) -> Result<(), StoreError>;
    fn webhooks(&;) -> Result<Vec<Webhook>, StoreError>;
    fn waiting_deliveries(&;) -> Result<Vec<Delivery>, StoreError>;
    fn deliveries(&; webhook: WebhookId, most: u32) -> Result<Vec<Delivery>, StoreError>;
});
through!(Audit {
    fn stage(&mut; entry: AuditEntry) -> ();
    fn drop_staged(&mut;) -> ();
    fn keep_staged(&mut;) -> Result<(), StoreError>;
    fn audit_rows(&; organisation: Option<OrganisationId>, below: u64, most: u32) -> Result<Vec<AuditRow>, StoreError>;
    fn check_audit(&;) -> Result<AuditCheck, StoreError>;
    fn remove_audit(&mut; before: UnixTime) -> Result<u32, StoreError>;
});
through!(People {
    fn add_person(&mut; person: &Person) -> Result<(), AddPersonError>;
    fn keep_person(&mut; person: &Person) -> Result<bool, StoreError>;
    fn remove_person(&mut; id: PersonId) -> Result<bool, StoreError>;
    fn add_session(&mut; session: &Session) -> Result<(), StoreError>;
    fn session_seen(&mut; token: TokenHash, at: UnixTime) -> Result<(), StoreError>;
    fn session_has_both_factors(&mut; token: TokenHash) -> Result<(), StoreError>;
    fn end_session(&mut; token: TokenHash) -> Result<bool, StoreError>;
    fn end_sessions(&mut; person: PersonId, but: Option<TokenHash>) -> Result<u32, StoreError>;
    fn remove_sessions(&mut; before: UnixTime) -> Result<u32, StoreError>;
    fn add_invitation(&mut; token: TokenHash, person: PersonId, at: UnixTime) -> Result<(), StoreError>;
    fn forget_invitations(&mut; person: PersonId) -> Result<(), StoreError>;
    fn anybody(&;) -> Result<bool, StoreError>;
    fn person(&; whose: OrganisationId, id: PersonId) -> Result<Option<Person>, StoreError>;
    fn people(&; whose: OrganisationId) -> Result<Vec<Person>, StoreError>;
    fn people_with_email(&; email: &EmailAddress) -> Result<Vec<Person>, StoreError>;
    fn session(&; token: TokenHash) -> Result<Option<(Session, Person)>, StoreError>;
    fn known_device(&; device: TokenHash, email: &EmailAddress) -> Result<bool, StoreError>;
    fn invited(&; token: TokenHash, now: UnixTime) -> Result<Option<Person>, StoreError>;
});
through!(AwaitedDevices {
    fn awaited(&;) -> Result<Vec<AwaitedDevice>, StoreError>;
    fn await_devices(&mut; devices: &[AwaitedDevice]) -> Result<(), StoreError>;
    fn await_no_more(&mut; room: RoomId) -> Result<bool, StoreError>;
    fn await_no_more_since(&mut; before: UnixTime) -> Result<u32, StoreError>;
    fn enrol_awaited(&mut; room: &Room, awaited: &AwaitedDevice) -> Result<(), EnrolError>;
});
through!(Vmrs {
    fn add_vmr(&mut; vmr: &Vmr) -> Result<(), AddVmrError>;
    fn vmr(&; organisation: OrganisationId, number: &VmrNumber) -> Result<Option<Vmr>, StoreError>;
    fn vmr_with_id(&; id: VmrId) -> Result<Option<Vmr>, StoreError>;
    fn vmrs(&;) -> Result<Vec<Vmr>, StoreError>;
    fn remove_vmr(&mut; id: VmrId) -> Result<bool, StoreError>;
    fn change_vmr(&mut; id: VmrId, name: &DisplayName, capacity: u32, lobby: bool) -> Result<bool, StoreError>;
    fn set_moderators(&mut; id: VmrId, people: &[PersonId]) -> Result<(), StoreError>;
    fn set_pin(&mut; id: VmrId, pin: Option<&PinHash>) -> Result<bool, StoreError>;
});
through!(PinTries {
    fn begin_try(&mut; room: RoomId, vmr: VmrId, now: UnixTime) -> Result<Verdict, StoreError>;
    fn entered(&mut; room: RoomId, vmr: VmrId, now: UnixTime) -> Result<(), StoreError>;
});

through!(Updates {
    fn add_release(&mut; release: &StoredRelease) -> Result<(), AddReleaseError>;
    fn remove_release(&mut; version: Version, compatible: &Compatible) -> Result<bool, StoreError>;
    fn keep_room_update(&mut; update: &RoomUpdate) -> Result<(), StoreError>;
    fn add_rollout(&mut; rollout: &StoredRollout) -> Result<(), StoreError>;
    fn keep_rollout(&mut; id: u32, saved: Saved) -> Result<(), StoreError>;
    fn keep_taken(&mut; id: u32, taken: &TakenRoom) -> Result<(), StoreError>;
    fn forget_taken(&mut; id: u32, room: RoomId) -> Result<(), StoreError>;
    fn releases(&;) -> Result<Vec<StoredRelease>, StoreError>;
    fn room_updates(&;) -> Result<Vec<RoomUpdate>, StoreError>;
    fn rollouts(&;) -> Result<Vec<StoredRollout>, StoreError>;
    fn taken(&; id: u32) -> Result<Vec<TakenRoom>, StoreError>;
});

through!(Resets {
    fn add_reset(&mut; reset: &Reset) -> Result<(), StoreError>;
    fn reset(&; number: ResetNumber) -> Result<Option<Reset>, StoreError>;
    fn ordered_reset(&; room: RoomId) -> Result<Option<Reset>, StoreError>;
    fn withdraw_reset(&mut; room: RoomId) -> Result<bool, StoreError>;
    fn reset_told(&mut; number: ResetNumber, outcome: StoredOutcome, at: UnixTime) -> Result<(), StoreError>;
    fn resets(&; organisation: OrganisationId, most: u32) -> Result<Vec<Reset>, StoreError>;
});

impl Records for Disk {
    fn keep(&mut self, entries: &[RecordEntry]) -> Result<(), StoreError> {
        if *self.1.lock().unwrap() == Space::None {
            return Err(StoreError::DiskFull);
        }
        self.0.lock().unwrap().keep(entries)
    }
    fn close_dangling(&mut self, at: UnixTime) -> Result<u32, StoreError> {
        self.0.lock().unwrap().close_dangling(at)
    }
    fn taken_out(&self, since: UnixTime, most: u32) -> Result<Vec<(VmrId, RoomId)>, StoreError> {
        self.0.lock().unwrap().taken_out(since, most)
    }
    fn usage(
        &self,
        wanted: conclave_directory::usage::Wanted,
        sight: Sight,
    ) -> Result<conclave_directory::usage::Usage, StoreError> {
        self.0.lock().unwrap().usage(wanted, sight)
    }
    fn call_records(
        &self,
        organisation: OrganisationId,
        sight: Sight,
        most: u32,
    ) -> Result<Vec<CallRecord>, StoreError> {
        self.0.lock().unwrap().call_records(organisation, sight, most)
    }
    fn remove_records(
        &mut self,
        organisation: Option<OrganisationId>,
        before: UnixTime,
    ) -> Result<u32, StoreError> {
        if *self.1.lock().unwrap() == Space::None {
            return Err(StoreError::DiskFull);
        }
        self.0.lock().unwrap().remove_records(organisation, before)
    }
}
