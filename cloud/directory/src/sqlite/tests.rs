use super::*;
use crate::activation::KeyFingerprint;
use crate::audit::AuditEntry;
use crate::pin_hash::PinHash;
use crate::pin_tries::{FREE_TRIES, Verdict};
use crate::repository::*;
use conclave_types::{
    CallId, DisplayName, MeetingId, OrganisationId, PersonId, Redacted, RoomId, VmrId,
};

mod appointments;
mod awaited;
mod calendars;
mod entries;
mod people;
mod second_factors;
mod settings;
mod usage;
mod webhooks;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn directory() -> SqliteDirectory {
    SqliteDirectory::in_memory().unwrap()
}

fn room(n: u128, name: &str) -> Room {
    Room {
        id: RoomId::from_random(n),
        organisation: OrganisationId::FIRST,
        name: name.parse().unwrap(),
        serial: format!("serial {n}"),
        key: KeyFingerprint::of(&n.to_be_bytes()),
        certificate_expires: NOW.after(Duration::from_secs(1_000)),
        status: RoomStatus::Active,
        enrolled_at: NOW,
    }
}

fn vmr(n: u128, number: &str, pin: Option<&str>) -> Vmr {
    Vmr {
        id: VmrId::from_random(n),
        organisation: OrganisationId::FIRST,
        number: number.parse().unwrap(),
        name: format!("VMR {n}").parse().unwrap(),
        pin: pin.map(|pin| PinHash::new(&pin.parse().unwrap(), &[7; 16]).unwrap()),
        capacity: 25,
        hidden: false,
        once: false,
        lobby: false,
        owner: None,
        moderators: vec![],
    }
}

#[test]
fn rooms_are_kept_renamed_and_revoked() {
    let mut directory = directory();
    let voltaire = room(1, "Salle Voltaire");
    directory.enrol(&voltaire).unwrap();
    assert_eq!(directory.room(voltaire.id).unwrap(), Some(voltaire.clone()));
    assert_eq!(directory.room_with_key(voltaire.key).unwrap(), Some(voltaire.clone()));
    assert_eq!(directory.room(RoomId::from_random(9)).unwrap(), None);
    assert!(directory.rename_room(voltaire.id, &"Salle Diderot".parse().unwrap()).unwrap());
    directory.certificate_signed(voltaire.id, UnixTime(5)).unwrap();
    assert!(directory.revoke_room(voltaire.id, NOW).unwrap());
    assert!(!directory.revoke_room(voltaire.id, NOW).unwrap(), "once");
    let found = directory.room(voltaire.id).unwrap().unwrap();
    assert_eq!((found.status, found.certificate_expires), (RoomStatus::Revoked, UnixTime(5)));
    assert_eq!(directory.room_with_key(voltaire.key).unwrap(), None);
}

#[test]
fn names_and_devices_are_unique_among_active_rooms_only() {
    let mut directory = directory();
    directory.enrol(&room(1, "A")).unwrap();
    assert!(matches!(directory.enrol(&room(2, "A")), Err(EnrolError::NameTaken)));
    let same_device = Room { key: room(1, "A").key, ..room(3, "B") };
    assert!(matches!(directory.enrol(&same_device), Err(EnrolError::KeyTaken)));
    directory.enrol(&room(4, "C")).unwrap();
    let taken = directory.rename_room(RoomId::from_random(4), &"A".parse().unwrap());
    assert!(matches!(taken, Err(EnrolError::NameTaken)));
    directory.revoke_room(RoomId::from_random(1), NOW).unwrap();
    let again = Room { key: room(1, "A").key, ..room(5, "A") };
    directory.enrol(&again).unwrap();
}

#[test]
fn meeting_rooms_are_kept_and_their_numbers_are_unique() {
    let mut directory = directory();
    let board = vmr(1, "4711", Some("246810"));
    directory.add_vmr(&board).unwrap();
    assert_eq!(directory.vmr(OrganisationId::FIRST, &board.number).unwrap(), Some(board.clone()));
    assert_eq!(directory.vmr_with_id(board.id).unwrap(), Some(board.clone()));
    assert!(matches!(directory.add_vmr(&vmr(2, "4711", None)), Err(AddVmrError::NumberTaken)));
    assert!(directory.set_pin(board.id, None).unwrap());
    assert_eq!(directory.vmrs().unwrap()[0].pin, None);
    assert!(directory.remove_vmr(board.id).unwrap());
    assert!(!directory.remove_vmr(board.id).unwrap());
    assert_eq!(directory.vmrs().unwrap(), []);
}

#[test]
fn tries_are_counted_before_the_pin_is_looked_at_and_a_new_pin_forgets_them() {
    let mut directory = directory();
    let (room, vmr) = (room(1, "A"), vmr(1, "4711", None));
    directory.enrol(&room).unwrap();
    directory.add_vmr(&vmr).unwrap();
    for left in (0..FREE_TRIES as u8).rev() {
        let verdict = directory.begin_try(room.id, vmr.id, NOW).unwrap();
        assert!(matches!(verdict, Verdict::Try { tries_left, .. } if tries_left == left));
    }
    let wait = |directory: &mut SqliteDirectory| {
        matches!(directory.begin_try(room.id, vmr.id, NOW).unwrap(), Verdict::Wait(_))
    };
    assert!(wait(&mut directory));
    directory.entered(room.id, vmr.id, NOW).unwrap();
    assert!(!wait(&mut directory));
    for _ in 0..3 {
        directory.begin_try(room.id, vmr.id, NOW).unwrap();
    }
    assert!(wait(&mut directory));
    directory.set_pin(vmr.id, None).unwrap();
    assert!(!wait(&mut directory));
}

#[test]
fn hostile_strangers_slow_strangers_and_leave_known_rooms_alone() {
    let mut directory = directory();
    let vmr = vmr(1, "4711", None);
    directory.add_vmr(&vmr).unwrap();
    for n in 0..12 {
        directory.enrol(&room(n, &format!("Room {n}"))).unwrap();
        for _ in 0..FREE_TRIES {
            directory.begin_try(RoomId::from_random(n), vmr.id, NOW).unwrap();
        }
    }
    let waiting = |directory: &mut SqliteDirectory, n: u128| match directory
        .begin_try(RoomId::from_random(n), vmr.id, NOW)
        .unwrap()
    {
        Verdict::Wait(wait) => wait.as_secs(),
        Verdict::Try { .. } => 0,
    };
    assert_eq!(waiting(&mut directory, 0), 11 * 600);
    directory.entered(RoomId::from_random(1), vmr.id, NOW).unwrap();
    assert_eq!(waiting(&mut directory, 0), 10 * 600, "one stranger less");
    for _ in 0..3 {
        assert_eq!(waiting(&mut directory, 1), 0);
    }
    assert_eq!(waiting(&mut directory, 1), 30, "its own delay only");
}

fn joined(n: u128) -> [RecordEntry; 2] {
    let meeting = MeetingId::from_random(1);
    [
        RecordEntry::Started {
            meeting,
            organisation: OrganisationId::FIRST,
            vmr: VmrId::from_random(1),
            number: "4711".parse().unwrap(),
            name: "Board".parse().unwrap(),
            hidden: false,
            organiser: None,
            at: NOW,
        },
        RecordEntry::Joined {
            call: CallId::from_random(n),
            meeting,
            room: RoomId::from_random(n),
            name: "A".parse().unwrap(),
            at: NOW,
        },
    ]
}

#[test]
fn records_are_kept_once_however_often_they_are_sent() {
    let mut directory = directory();
    directory.keep(&joined(1)).unwrap();
    directory.keep(&joined(1)).unwrap();
    let left =
        |why| RecordEntry::Left { call: CallId::from_random(1), why, at: UnixTime(NOW.0 + 9) };
    directory.keep(&[left(LeftWhy::Left)]).unwrap();
    directory.keep(&[left(LeftWhy::MediaLost)]).unwrap();
    let records = directory.call_records(OrganisationId::FIRST, Sight::All, 10).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].left, Some((UnixTime(NOW.0 + 9), LeftWhy::Left)), "the first word stays");
    assert_eq!(records[0].vmr_name.as_ref().map(DisplayName::as_str), Some("Board"));
    assert_eq!(directory.close_dangling(NOW).unwrap(), 0);
}

#[test]
fn calls_that_a_crash_left_open_are_closed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut directory = SqliteDirectory::open(&file).unwrap();
    directory.keep(&joined(1)).unwrap();
    // No closing: the process is gone, the file is what a killed one leaves behind.
    std::mem::forget(directory);
    let mut directory = SqliteDirectory::open(&file).unwrap();
    assert_eq!(directory.close_dangling(NOW).unwrap(), 1);
    let left = directory.call_records(OrganisationId::FIRST, Sight::All, 10).unwrap()[0].left;
    assert_eq!(left, Some((NOW, LeftWhy::CloudStopped)));
}

#[test]
fn who_was_in_a_meeting_with_a_lobby_when_the_cloud_stopped_is_known_for_a_while() {
    let mut directory = directory();
    directory.add_vmr(&Vmr { lobby: true, ..vmr(1, "4711", None) }).unwrap();
    for n in 1..=3 {
        directory.keep(&joined(n)).unwrap();
    }
    let gone = |n, why, at| RecordEntry::Left { call: CallId::from_random(n), why, at };
    directory.keep(&[gone(1, LeftWhy::Left, NOW)]).unwrap();
    directory.keep(&[gone(2, LeftWhy::CloudStopped, NOW)]).unwrap();
    let out = |directory: &SqliteDirectory, since, most| {
        let found = directory.taken_out(since, most).unwrap();
        found.into_iter().map(|(_, room)| room).collect::<Vec<_>>()
    };
    let (second, third) = (RoomId::from_random(2), RoomId::from_random(3));
    assert_eq!(out(&directory, NOW, 9), [second, third], "who left by itself is not among them");
    let later = UnixTime(NOW.0 + 1);
    assert_eq!(out(&directory, later, 9), [third]);
    directory.close_dangling(later).unwrap();
    assert_eq!(out(&directory, later, 9), [third], "closed by the start");
    assert_eq!(out(&directory, NOW, 1), [second], "no more than is asked for");
    let name = "VMR 1".parse().unwrap();
    directory.change_vmr(VmrId::from_random(1), &name, 25, false).unwrap();
    assert_eq!(out(&directory, NOW, 9), [], "without a lobby it is not needed");
}

#[test]
fn the_database_is_for_its_owner_only_and_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut directory = SqliteDirectory::open(&file).unwrap();
    directory.add_vmr(&vmr(1, "4711", Some("246810"))).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
    drop(directory);
    let directory = SqliteDirectory::open(&file).unwrap();
    let found = directory.vmrs().unwrap();
    assert!(found[0].pin.as_ref().unwrap().matches(&"246810".parse().unwrap()));
}

/// What a database of version 1 may hold, as that version wrote it: a room, a meeting room, a call.
const OF_VERSION_1: &str = "
    INSERT INTO rooms (id, name, serial, spki_sha256, certificate_expires, status, enrolled_at)
        VALUES ('room-00000000000000000000000001', 'A', 'serial 1', '$KEY', 1800001000, 'active', 1800000000);
    INSERT INTO vmrs (id, number, name, pin_hash, capacity)
        VALUES ('vmr-00000000000000000000000001', '4711', 'VMR 1', NULL, 25);
    INSERT INTO meetings (id, vmr, vmr_number, vmr_name, started_at)
        VALUES ('meeting-00000000000000000000000001', 'vmr-00000000000000000000000001', '4711', 'VMR 1', 1800000000);
    INSERT INTO call_records (call, meeting, room, participant_name, joined_at)
        VALUES ('call-00000000000000000000000001', 'meeting-00000000000000000000000001',
                'room-00000000000000000000000001', 'A', 1800000000);";

/// What later versions brought.
const OF_VERSION_2: &str = "
    INSERT INTO pin_tries (room, vmr, failures, last_at, entered)
        VALUES ('room-00000000000000000000000001', 'vmr-00000000000000000000000001', 9, 1800000000, 0);";

#[test]
fn a_file_of_any_earlier_version_is_brought_up_with_everything_in_it() {
    for version in 1..migrations::ALL.len() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cloud.db");
        let connection = Connection::open(&file).unwrap();
        configure(&connection).unwrap();
        let mut old =
            SqliteDirectory { connection, file: file.clone(), safety: None, staged: None };
        migrations::migrate(&mut old, &migrations::ALL[..version]).unwrap();
        let mut text = OF_VERSION_1.replace("$KEY", &room(1, "A").key.to_string());
        if version >= 6 {
            // From there on a meeting room says whose it is.
            text = text
                .replace("capacity)", "capacity, organisation)")
                .replace("NULL, 25)", &format!("NULL, 25, '{}')", OrganisationId::FIRST));
        }
        old.connection.execute_batch(&text).unwrap();
        if version >= 2 {
            old.connection.execute_batch(OF_VERSION_2).unwrap();
        }
        drop(old);
        let mut new = SqliteDirectory::open(&file).unwrap();
        assert_eq!(new.rooms().unwrap(), [room(1, "A")], "from version {version}");
        assert_eq!(new.vmrs().unwrap(), [vmr(1, "4711", None)]);
        assert_eq!(new.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap().len(), 1);
        let verdict = new.begin_try(RoomId::from_random(1), VmrId::from_random(1), NOW).unwrap();
        let waits = matches!(verdict, Verdict::Wait(_));
        assert_eq!(waits, version >= 2, "tries are not forgotten; from version {version}");
        // What hangs on what still does.
        new.remove_vmr(VmrId::from_random(1)).unwrap();
        let tries: u32 = new
            .connection
            .query_row("SELECT count(*) FROM pin_tries", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tries, 0);
    }
}

#[test]
fn organisations_have_names_numbers_and_records_of_their_own() {
    let mut directory = directory();
    let hospital =
        Organisation { id: OrganisationId::from_random(7), name: "Hospital".parse().unwrap() };
    directory.add_organisation(&hospital).unwrap();
    let same_name = Organisation { id: OrganisationId::from_random(8), ..hospital.clone() };
    let taken = directory.add_organisation(&same_name);
    assert!(matches!(taken, Err(OrganisationError::NameTaken)));
    let name = "Saint-Louis".parse().unwrap();
    assert!(directory.rename_organisation(OrganisationId::FIRST, &name).unwrap());
    assert!(!directory.rename_organisation(OrganisationId::from_random(9), &name).unwrap());
    let names: Vec<_> =
        directory.organisations().unwrap().into_iter().map(|each| each.name).collect();
    assert_eq!(names, ["Hospital".parse().unwrap(), name]);

    directory.enrol(&room(1, "A")).unwrap();
    directory.enrol(&Room { organisation: hospital.id, ..room(2, "A") }).unwrap();
    directory.add_vmr(&vmr(1, "4711", None)).unwrap();
    let theirs = Vmr { organisation: hospital.id, ..vmr(2, "4711", None) };
    directory.add_vmr(&theirs).unwrap();
    assert_eq!(directory.vmr(hospital.id, &theirs.number).unwrap(), Some(theirs.clone()));
    assert_eq!(
        directory.vmr(OrganisationId::FIRST, &theirs.number).unwrap(),
        Some(vmr(1, "4711", None))
    );
    let stray = Vmr { organisation: OrganisationId::from_random(9), ..vmr(3, "4711", None) };
    assert!(directory.add_vmr(&stray).is_err(), "of an organisation that is not there");

    directory.keep(&joined(1)).unwrap();
    let over = RecordEntry::Left {
        call: CallId::from_random(1),
        why: LeftWhy::Left,
        at: NOW.after(Duration::from_secs(60)),
    };
    directory.keep(&[over]).unwrap();
    assert_eq!(directory.call_records(hospital.id, Sight::All, 9).unwrap(), []);
    let later = NOW.after(Duration::from_secs(1_000));
    assert_eq!(directory.remove_records(Some(hospital.id), later).unwrap(), 0);
    assert_eq!(directory.remove_records(Some(OrganisationId::FIRST), later).unwrap(), 1);
}

#[test]
fn a_database_from_a_newer_build_is_refused_and_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    drop(SqliteDirectory::open(&file).unwrap());
    let raw = Connection::open(&file).unwrap();
    raw.execute("INSERT INTO schema_version (version, applied_at) VALUES (99, 0)", []).unwrap();
    drop(raw);
    let refused = SqliteDirectory::open(&file).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }));
    assert!(refused.to_string().contains("newer conclave-cloud"), "{refused}");
}

#[test]
fn a_migration_that_fails_leaves_the_database_as_it_was() {
    let mut directory = SqliteDirectory::in_memory().unwrap();
    let mut all = migrations::ALL.to_vec();
    all.push("CREATE TABLE half (a TEXT); CREATE TABLE rooms (a TEXT);");
    let failed = migrations::migrate(&mut directory, &all).err().unwrap();
    let next = u32::try_from(all.len()).unwrap();
    assert!(matches!(failed, OpenError::Migration { version, .. } if version == next));
    assert!(directory.connection.prepare("SELECT * FROM half").is_err());
    migrations::migrate(&mut directory, migrations::ALL).unwrap();
}

#[test]
fn damage_is_told_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    std::fs::write(&file, b"this is no database, and long enough to be looked at as one......")
        .unwrap();
    let refused = SqliteDirectory::open(&file).err().unwrap();
    assert!(matches!(refused, OpenError::Store(StoreError::Damaged { .. })), "{refused}");
}

#[test]
fn a_full_disk_is_told_and_what_was_kept_stays() {
    let mut directory = directory();
    directory.enrol(&room(0, "Room 0")).unwrap();
    let pages: i64 =
        directory.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    directory.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let refused = (1..10_000).find_map(|n| directory.enrol(&room(n, &format!("Room {n}"))).err());
    assert!(matches!(refused, Some(EnrolError::Store(StoreError::DiskFull))), "{refused:?}");
    let rooms = directory.rooms().unwrap();
    assert!(rooms.iter().any(|room| room.name.as_str() == "Room 0"));
}

#[test]
fn a_value_that_nobody_wrote_is_an_error_and_no_panic() {
    for change in ["id = 'vmr-1'", "name = ''", "enrolled_at = -1", "spki_sha256 = 'é'"] {
        let directory = SqliteDirectory::in_memory().map(|mut d| {
            d.enrol(&room(1, "A")).unwrap();
            d.connection.execute(&format!("UPDATE rooms SET {change}"), []).unwrap();
            d
        });
        let found = directory.unwrap().rooms();
        assert!(matches!(found, Err(StoreError::BadValue { .. })), "{change}: {found:?}");
    }
}

#[test]
fn a_clock_that_ran_years_ahead_and_was_set_right_locks_nobody_out() {
    let mut directory = directory();
    let ahead = NOW.after(Duration::from_secs(10 * 365 * 86_400));
    directory.add_vmr(&vmr(1, "4711", Some("246810"))).unwrap();
    for n in 1..=2 {
        directory.enrol(&room(n, &format!("Room {n}"))).unwrap();
        for _ in 0..FREE_TRIES {
            directory.begin_try(RoomId::from_random(n), VmrId::from_random(1), ahead).unwrap();
        }
    }
    let mut now = NOW;
    let verdict = directory.begin_try(RoomId::from_random(1), VmrId::from_random(1), now).unwrap();
    let Verdict::Wait(wait) = verdict else { panic!("{verdict:?}") };
    assert!(wait <= crate::pin_tries::STRANGER_INTERVAL, "{wait:?}: the rule's waiting, from now");
    now = now.after(wait);
    let verdict = directory.begin_try(RoomId::from_random(1), VmrId::from_random(1), now).unwrap();
    assert!(matches!(verdict, Verdict::Try { .. }), "{verdict:?}");
}

#[test]
fn releases_rollouts_and_what_rooms_follow_are_kept() {
    use conclave_rollout::{Amount, Plan, Saved, Stage, Standing};
    use conclave_types::{BundleHash, Version};
    let mut directory = directory();
    directory.enrol(&room(1, "A")).unwrap();
    let of = RoomId::from_random(1);
    let release = |version| StoredRelease {
        version,
        compatible: "conclave-x".parse().unwrap(),
        sha256: BundleHash([9; 32]),
        size: 5_000_000_000,
        floor: Version(1, 0, 0),
        added_at: NOW,
    };
    let (older, newer) = (release(Version(1, 9, 0)), release(Version(1, 10, 0)));
    directory.add_release(&older).unwrap();
    directory.add_release(&newer).unwrap();
    assert!(matches!(directory.add_release(&newer), Err(AddReleaseError::Taken)));
    assert_eq!(directory.releases().unwrap(), [newer.clone(), older.clone()]);

    let silent = RoomUpdate {
        room: of,
        channel: "early".parse().unwrap(),
        window: "23:00-01:00".parse().unwrap(),
        runs: None,
    };
    let said =
        RoomUpdate { runs: Some((older.version, older.compatible.clone())), ..silent.clone() };
    for update in [silent, said] {
        directory.keep_room_update(&update).unwrap();
        assert_eq!(directory.room_updates().unwrap(), [update]);
    }

    let waves = vec![Amount::Count(2), Amount::Share(100)];
    let plan = Plan::new(waves, Amount::Share(90), Amount::Count(1), Duration::from_secs(60));
    let saved = Saved { stage: Stage::Running, wave: 0, rests_since: None };
    let mut rollout = StoredRollout {
        id: 1,
        channel: "early".parse().unwrap(),
        version: newer.version,
        compatible: newer.compatible.clone(),
        plan: plan.unwrap(),
        saved,
        started_at: NOW,
    };
    directory.add_rollout(&rollout).unwrap();
    rollout.saved = Saved { stage: Stage::StoppedByFailures, wave: 1, rests_since: Some(NOW) };
    directory.keep_rollout(1, rollout.saved).unwrap();
    assert_eq!(directory.rollouts().unwrap(), [rollout]);
    let mut taken = TakenRoom { room: of, standing: Standing::Offered, why: None, at: NOW };
    directory.keep_taken(1, &taken).unwrap();
    taken = TakenRoom { standing: Standing::Failed, why: Some("no camera".into()), ..taken };
    directory.keep_taken(1, &taken).unwrap();
    assert_eq!(directory.taken(1).unwrap(), [taken]);
    directory.forget_taken(1, of).unwrap();
    assert_eq!(directory.taken(1).unwrap(), []);

    assert!(
        !directory.remove_release(newer.version, &newer.compatible).unwrap(),
        "it is rolled out"
    );
    assert!(directory.remove_release(older.version, &older.compatible).unwrap());
}

/// A room's calls: one that ended at `NOW`, one in the same meeting that ends later, and a meeting of
/// its own that goes on.
fn calls_of_three_ages(directory: &mut SqliteDirectory) {
    let call = CallId::from_random;
    let left = |n, seconds| RecordEntry::Left {
        call: call(n),
        why: LeftWhy::Left,
        at: NOW.after(Duration::from_secs(seconds)),
    };
    directory.keep(&joined(1)).unwrap();
    directory.keep(&joined(2)).unwrap();
    directory.keep(&[left(1, 0), left(2, 100)]).unwrap();
    let at = NOW.after(Duration::from_secs(100));
    directory.keep(&[RecordEntry::Ended { meeting: MeetingId::from_random(1), at }]).unwrap();
    let mut other = joined(3);
    let meeting = MeetingId::from_random(2);
    for entry in &mut other {
        match entry {
            RecordEntry::Started { meeting: of, .. } | RecordEntry::Joined { meeting: of, .. } => {
                *of = meeting;
            }
            _ => {}
        }
    }
    directory.keep(&other).unwrap();
}

fn meetings(directory: &SqliteDirectory) -> u32 {
    directory.connection.query_row("SELECT count(*) FROM meetings", [], |row| row.get(0)).unwrap()
}

#[test]
fn records_are_removed_by_their_end_and_a_meeting_with_its_last_call() {
    let mut directory = directory();
    calls_of_three_ages(&mut directory);
    let after = |seconds| NOW.after(Duration::from_secs(seconds));
    assert_eq!(directory.remove_records(None, NOW).unwrap(), 0, "it ended then, not before");
    assert_eq!(directory.remove_records(None, after(1)).unwrap(), 1);
    assert_eq!(
        (
            directory.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap().len(),
            meetings(&directory)
        ),
        (2, 2)
    );
    assert_eq!(directory.remove_records(None, after(101)).unwrap(), 1);
    assert_eq!(meetings(&directory), 1);
    assert_eq!(directory.remove_records(None, after(1_000_000)).unwrap(), 0, "somebody is there");
    let records = directory.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap();
    assert_eq!((records.len(), records[0].call), (1, CallId::from_random(3)));
}

#[test]
fn a_revoked_room_is_forgotten_with_what_hangs_on_it_and_its_calls_stay() {
    let mut directory = directory();
    let (room, vmr) = (room(1, "A"), vmr(1, "4711", None));
    directory.enrol(&room).unwrap();
    directory.add_vmr(&vmr).unwrap();
    directory.begin_try(room.id, vmr.id, NOW).unwrap();
    directory.keep(&joined(1)).unwrap();
    let update = RoomUpdate {
        room: room.id,
        channel: "early".parse().unwrap(),
        window: "23:00-01:00".parse().unwrap(),
        runs: None,
    };
    directory.keep_room_update(&update).unwrap();
    let reset = |n: u32, of: RoomId| Reset {
        number: conclave_types::ResetNumber::from_random(u128::from(n)),
        organisation: OrganisationId::FIRST,
        room: of,
        name: room.name.clone(),
        serial: room.serial.clone(),
        key: room.key,
        way: ResetWay::Cloud,
        asked_at: NOW,
        told: None,
    };
    directory.add_reset(&reset(1, room.id)).unwrap();
    let other = reset(2, RoomId::from_random(2));
    directory.add_reset(&other).unwrap();
    assert!(!directory.forget_room(room.id).unwrap(), "it is in service");
    assert_eq!(directory.resets(OrganisationId::FIRST, 9).unwrap().len(), 2);
    directory.revoke_room(room.id, NOW).unwrap();
    assert!(directory.forget_room(room.id).unwrap());
    assert!(!directory.forget_room(room.id).unwrap(), "once");
    assert_eq!(directory.rooms().unwrap(), []);
    assert_eq!(directory.room_updates().unwrap(), []);
    assert_eq!(directory.resets(OrganisationId::FIRST, 9).unwrap(), [other]);
    let tries: u32 = directory
        .connection
        .query_row("SELECT count(*) FROM pin_tries", [], |row| row.get(0))
        .unwrap();
    assert_eq!(
        (tries, directory.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap().len()),
        (0, 1)
    );
}

/// Whether a database's file or its log has this text.
fn holds(file: &Path, text: &str) -> bool {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let files = [std::fs::read(file).unwrap(), std::fs::read(&log).unwrap_or_default()];
    let found = |octets: &Vec<u8>| octets.windows(text.len()).any(|part| part == text.as_bytes());
    files.iter().any(found)
}

#[test]
fn what_is_removed_or_replaced_is_not_in_the_file_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cloud.db");
    let mut directory = SqliteDirectory::open(&file).unwrap();
    let settle = |directory: &SqliteDirectory| {
        directory.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    };
    let doctor = room(1, "Dr Martin's office");
    directory.enrol(&doctor).unwrap();
    directory.enrol(&room(2, "Salle Voltaire")).unwrap();
    let mut board = vmr(1, "471147114711", Some("246810"));
    board.name = "Redundancies".parse().unwrap();
    directory.add_vmr(&board).unwrap();
    let mut records = joined(1);
    if let RecordEntry::Joined { name, .. } = &mut records[1] {
        *name = "Dr Martin's office".parse().unwrap();
    }
    directory.keep(&records).unwrap();
    // More than a page, so that whole pages become free as well.
    for n in 10..70 {
        directory.enrol(&room(n, &format!("Office {n} of Dr Martin"))).unwrap();
    }
    let hash = board.pin.as_ref().unwrap().as_phc().to_owned();
    let private = ["Dr Martin", "Redundancies", "471147114711", "Salle Voltaire", hash.as_str()];
    settle(&directory);
    for text in private {
        assert!(holds(&file, text), "{text}: nothing would be seen to go");
    }
    directory.rename_room(RoomId::from_random(2), &"Salle Diderot".parse().unwrap()).unwrap();
    directory.set_pin(board.id, None).unwrap();
    directory.remove_vmr(board.id).unwrap();
    directory.close_dangling(NOW).unwrap();
    directory.remove_records(None, UnixTime(NOW.0 + 1)).unwrap();
    for n in (10..70).chain([1]) {
        directory.revoke_room(RoomId::from_random(n), NOW).unwrap();
        assert!(directory.forget_room(RoomId::from_random(n)).unwrap());
    }
    settle(&directory);
    for text in private {
        assert!(!holds(&file, text), "{text} is still there");
    }
    assert!(holds(&file, "Salle Diderot"));
}

fn renamed(after: &str, at: u64) -> AuditEntry {
    AuditEntry {
        at: UnixTime(NOW.0 + at),
        organisation: Some(OrganisationId::FIRST),
        who: "command line".into(),
        source: Redacted("user 0".into()),
        act: "room.rename".into(),
        subject: RoomId::from_random(1).to_string(),
        before: Redacted("A".into()),
        after: Redacted(after.into()),
    }
}

#[test]
fn an_audit_row_is_kept_with_the_change_that_it_tells_of_or_not_at_all() {
    let mut directory = directory();
    directory.enrol(&room(1, "A")).unwrap();
    directory.enrol(&room(2, "B")).unwrap();
    let rows = |directory: &SqliteDirectory| {
        directory.audit_rows(Some(OrganisationId::FIRST), u64::MAX, 9).unwrap()
    };
    let rename = |directory: &mut SqliteDirectory, name: &str| {
        directory.rename_room(RoomId::from_random(1), &name.parse().unwrap())
    };
    directory.stage(renamed("B", 0));
    assert!(rename(&mut directory, "B").is_err(), "the name is taken");
    assert_eq!(rows(&directory), [], "what did not take place is not in the log");
    directory.drop_staged();
    assert!(rename(&mut directory, "C").unwrap());
    assert_eq!(rows(&directory), [], "nothing was staged");

    directory.stage(renamed("D", 1));
    assert!(rename(&mut directory, "D").unwrap());
    assert!(rename(&mut directory, "E").unwrap());
    directory.stage(renamed("nothing here", 2));
    directory.keep_staged().unwrap();
    directory.keep_staged().unwrap();
    let found: Vec<_> = rows(&directory).into_iter().map(|row| (row.number, row.entry)).collect();
    assert_eq!(found, [(2, renamed("nothing here", 2)), (1, renamed("D", 1))]);
    assert_eq!(directory.audit_rows(None, u64::MAX, 9).unwrap(), []);
    assert_eq!(directory.audit_rows(Some(OrganisationId::FIRST), 2, 9).unwrap().len(), 1);
}

#[test]
fn the_audit_log_shows_what_was_done_to_it_and_begins_where_its_oldest_rows_went() {
    let mut directory = directory();
    for at in 0..2_500 {
        directory.stage(renamed(&format!("{at}"), at));
        directory.keep_staged().unwrap();
    }
    let whole = directory.check_audit().unwrap();
    assert_eq!((whole.first, whole.rows, whole.end.number, whole.wrong), (1, 2_500, 2_500, vec![]));

    assert_eq!(directory.remove_audit(UnixTime(NOW.0 + 100)).unwrap(), 100);
    assert_eq!(directory.remove_audit(UnixTime(NOW.0 + 100)).unwrap(), 0);
    let shorter = directory.check_audit().unwrap();
    assert_eq!((shorter.first, shorter.rows, shorter.wrong), (101, 2_400, vec![]));
    assert_eq!(shorter.end, whole.end);

    let by_hand = |directory: &SqliteDirectory, sql: &str| {
        directory.connection.execute(sql, []).unwrap();
        directory.check_audit().unwrap().wrong
    };
    assert_eq!(by_hand(&directory, "DELETE FROM audit WHERE number = 1200"), [1_201]);
    let changed = by_hand(&directory, "UPDATE audit SET after = 'x' WHERE number = 1100");
    assert_eq!(changed, [1_100, 1_201]);
    // All of it may go; the next row follows the last one.
    directory.remove_audit(UnixTime(NOW.0 + 9_999)).unwrap();
    directory.stage(renamed("next", 3_000));
    directory.keep_staged().unwrap();
    let last = directory.check_audit().unwrap();
    assert_eq!((last.first, last.rows, last.wrong), (2_501, 1, vec![]));
}
