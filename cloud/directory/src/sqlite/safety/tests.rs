//! A directory whose files are damaged on purpose.

use super::super::SqliteDirectory;
use super::*;
use crate::activation::KeyFingerprint;
use crate::repository::{
    AddVmrError, LeftWhy, PinTries, RecordEntry, Records, Room, RoomStatus, Rooms, Sight, Vmr, Vmrs,
};
use conclave_types::{CallId, MeetingId, OrganisationId, RoomId, UnixTime, VmrId};
use std::os::unix::fs::FileExt;
use tempfile::TempDir;

fn room(n: u128) -> Room {
    Room {
        id: RoomId::from_random(n),
        organisation: OrganisationId::FIRST,
        name: format!("Room {n}").parse().unwrap(),
        serial: "it's; -- a serial".to_owned(),
        key: KeyFingerprint::of(&n.to_be_bytes()),
        certificate_expires: UnixTime(7),
        status: RoomStatus::Active,
        enrolled_at: UnixTime(5),
    }
}

fn vmr(n: u128) -> Vmr {
    Vmr {
        id: VmrId::from_random(n),
        organisation: OrganisationId::FIRST,
        number: format!("{}", 1000 + n).parse().unwrap(),
        name: format!("L'été {n}").parse().unwrap(),
        pin: None,
        capacity: 25,
        hidden: false,
        once: false,
        lobby: false,
        owner: None,
        moderators: vec![],
    }
}

/// A folder with a database in it, and what it should hold.
struct Kept {
    folder: TempDir,
    file: PathBuf,
}

impl Kept {
    fn new() -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cloud.db");
        Kept { folder, file }
    }

    fn open(&self) -> SqliteDirectory {
        SqliteDirectory::open(&self.file).unwrap()
    }

    /// As a killed process leaves it: nothing is closed or copied at the end.
    fn kill(&mut self, directory: SqliteDirectory) {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        drop(directory);
        self.file = folder.path().join("cloud.db");
        self.folder = folder;
    }

    fn aside(&self) -> Vec<String> {
        let folder = fs::read_dir(self.file.parent().unwrap()).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("damaged-") && name.ends_with('Z')).collect()
    }
}

/// Everything of every kind of change: rooms 0 to 9, of which 3 has another name and 4 is revoked;
/// meeting rooms 0 to 9 without 5; a PIN tried once.
fn fill(directory: &mut SqliteDirectory) {
    for n in 0..10 {
        directory.enrol(&room(n)).unwrap();
        directory.add_vmr(&vmr(n)).unwrap();
    }
    directory.rename_room(RoomId::from_random(3), &"Salle 3".parse().unwrap()).unwrap();
    directory.revoke_room(RoomId::from_random(4), UnixTime(9)).unwrap();
    directory.remove_vmr(VmrId::from_random(5)).unwrap();
    directory.begin_try(RoomId::from_random(1), VmrId::from_random(1), UnixTime(11)).unwrap();
}

fn assert_whole(directory: &SqliteDirectory) {
    let rooms = directory.rooms().unwrap();
    assert_eq!(rooms.len(), 10);
    assert!(rooms.iter().any(|room| room.name.as_str() == "Salle 3"));
    let revoked = directory.room(RoomId::from_random(4)).unwrap().unwrap();
    assert_eq!(revoked.status, RoomStatus::Revoked);
    assert_eq!(directory.vmrs().unwrap().len(), 9);
    let tries: u32 = directory
        .connection
        .query_row("SELECT failures FROM pin_tries", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tries, 1);
}

type Damage = fn(&Path);

fn overwrite(file: &Path, from: u64) {
    let opened = fs::OpenOptions::new().write(true).open(file).unwrap();
    let length = opened.metadata().unwrap().len();
    let octets = vec![0xa5; usize::try_from(length.saturating_sub(from)).unwrap()];
    opened.write_all_at(&octets, from).unwrap();
}

const DAMAGES: [(&str, Damage); 5] = [
    ("all of it overwritten", |file| overwrite(file, 0)),
    ("everything behind the first page overwritten", |file| overwrite(file, 4096)),
    ("cut in the middle", |file| {
        let opened = fs::OpenOptions::new().write(true).open(file).unwrap();
        opened.set_len(opened.metadata().unwrap().len() / 2 + 100).unwrap();
    }),
    ("emptied", |file| fs::write(file, b"").unwrap()),
    ("removed", |file| fs::remove_file(file).unwrap()),
];

#[test]
fn a_damaged_database_comes_back_with_everything_that_was_acknowledged() {
    for (what, damage) in DAMAGES {
        for copied in [false, true] {
            let mut kept = Kept::new();
            let mut directory = kept.open();
            if copied {
                directory.safety.as_ref().unwrap().copy().unwrap();
            }
            fill(&mut directory);
            directory.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            kept.kill(directory);
            let _ = fs::remove_file(with_ending(&kept.file, "-wal"));
            // Before its first copy an empty file is what a new cloud has.
            let copies = has_copies(&kept.file);
            damage(&kept.file);
            if !copies && fs::metadata(&kept.file).map_or(0, |file| file.len()) == 0 {
                continue;
            }
            let directory = kept.open();
            assert_whole(&directory);
            let set_aside = usize::from(what != "removed");
            assert_eq!(kept.aside().len(), set_aside, "{what}, copied: {copied}");
            drop(directory);
            // And from then on as if nothing had been.
            let mut directory = kept.open();
            directory.enrol(&room(77)).unwrap();
            assert_eq!(kept.aside().len(), set_aside);
        }
    }
}

#[test]
fn what_was_removed_does_not_come_back_with_a_damaged_database() {
    let mut kept = Kept::new();
    let mut directory = kept.open();
    fill(&mut directory);
    let (call, meeting) = (CallId::from_random(1), MeetingId::from_random(1));
    let at = UnixTime(20);
    let (name, vmr) = ("Salle 4".parse().unwrap(), VmrId::from_random(1));
    let records = [
        RecordEntry::Started {
            meeting,
            organisation: OrganisationId::FIRST,
            vmr,
            number: "1001".parse().unwrap(),
            name,
            hidden: false,
            organiser: None,
            at,
        },
        RecordEntry::Joined {
            call,
            meeting,
            room: RoomId::from_random(4),
            name: "Room 4".parse().unwrap(),
            at,
        },
        RecordEntry::Left { call, why: LeftWhy::Left, at },
        RecordEntry::Ended { meeting, at },
    ];
    directory.keep(&records).unwrap();
    directory.safety.as_ref().unwrap().copy().unwrap();
    assert_eq!(directory.remove_records(None, UnixTime(21)).unwrap(), 1);
    assert!(directory.forget_room(RoomId::from_random(4)).unwrap());
    directory.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    kept.kill(directory);
    let _ = fs::remove_file(with_ending(&kept.file, "-wal"));
    overwrite(&kept.file, 0);
    let directory = kept.open();
    assert_eq!(kept.aside().len(), 1);
    assert_eq!(directory.call_records(OrganisationId::FIRST, Sight::All, 9).unwrap(), []);
    assert_eq!(directory.room(RoomId::from_random(4)).unwrap(), None);
    assert_eq!(directory.rooms().unwrap().len(), 9);
}

#[test]
fn a_day_without_old_records_adds_nothing_to_the_list() {
    let kept = Kept::new();
    let mut directory = kept.open();
    let last = last_change(&directory.connection).unwrap();
    assert_eq!(directory.remove_records(None, UnixTime(21)).unwrap(), 0);
    assert_eq!(last_change(&directory.connection).unwrap(), last);
}

#[test]
fn a_damaged_copy_costs_nothing_as_there_is_an_older_one() {
    let kept = Kept::new();
    let mut directory = kept.open();
    for n in 0..5 {
        directory.add_vmr(&vmr(100 + n)).unwrap();
        directory.remove_vmr(VmrId::from_random(100 + n)).unwrap();
        directory.safety.as_ref().unwrap().copy().unwrap();
    }
    fill(&mut directory);
    directory.safety.as_ref().unwrap().copy().unwrap();
    drop(directory);
    let generations = Generations::of(&kept.file).unwrap();
    assert_eq!(generations.copies.len(), COPIES, "older ones are removed");
    assert!(generations.lists[0] >= generations.copies[0], "and their lists with them");
    overwrite(&beside(&kept.file, "copy", generations.newest()), 0);
    overwrite(&kept.file, 0);
    assert_whole(&kept.open());
}

#[test]
fn changes_that_a_lost_write_ahead_log_took_with_it_are_put_back() {
    let mut kept = Kept::new();
    let mut directory = kept.open();
    directory.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    fill(&mut directory);
    kept.kill(directory);
    fs::write(with_ending(&kept.file, "-wal"), b"").unwrap();
    let _ = fs::remove_file(with_ending(&kept.file, "-shm"));
    assert_whole(&kept.open());
    assert!(kept.aside().is_empty(), "nothing was damaged");
}

#[test]
fn a_torn_last_change_was_never_acknowledged_and_costs_the_others_nothing() {
    let mut kept = Kept::new();
    let mut directory = kept.open();
    directory.safety.as_ref().unwrap().copy().unwrap();
    fill(&mut directory);
    kept.kill(directory);
    let newest = Generations::of(&kept.file).unwrap().newest();
    let list = beside(&kept.file, "changes", newest);
    let mut octets = fs::read(&list).unwrap();
    octets.extend_from_slice(&[3, 0, 0, 0, 9, 9]);
    fs::write(&list, octets).unwrap();
    overwrite(&kept.file, 0);
    let _ = fs::remove_file(with_ending(&kept.file, "-wal"));
    assert_whole(&kept.open());
}

#[test]
fn whoever_goes_back_to_a_backup_of_long_ago_gets_the_backup() {
    let kept = Kept::new();
    let mut directory = kept.open();
    directory.enrol(&room(50)).unwrap();
    drop(directory);
    let backup = fs::read(&kept.file).unwrap();
    let mut directory = kept.open();
    for _ in 0..4 {
        directory.add_vmr(&vmr(60)).unwrap();
        directory.remove_vmr(VmrId::from_random(60)).unwrap();
        directory.safety.as_ref().unwrap().copy().unwrap();
    }
    fill(&mut directory);
    drop(directory);
    fs::write(&kept.file, &backup).unwrap();
    let mut directory = kept.open();
    assert_eq!(directory.rooms().unwrap().len(), 1, "as in the backup");
    directory.enrol(&room(51)).unwrap();
    directory.safety.as_ref().unwrap().copy().unwrap();
    drop(directory);
    overwrite(&kept.file, 0);
    assert_eq!(kept.open().rooms().unwrap().len(), 2, "and what came after it is safe again");
}

#[test]
fn without_a_good_copy_the_damaged_database_is_left_where_it_is() {
    let kept = Kept::new();
    let mut directory = kept.open();
    fill(&mut directory);
    drop(directory);
    for entry in fs::read_dir(kept.file.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path != kept.file {
            fs::remove_file(path).unwrap();
        }
    }
    overwrite(&kept.file, 0);
    let before = fs::read(&kept.file).unwrap();
    let refused = SqliteDirectory::open(&kept.file).err().unwrap().to_string();
    assert!(refused.contains("restore a backup"), "{refused}");
    assert_eq!(fs::read(&kept.file).unwrap(), before);
}

#[test]
fn a_change_whose_list_cannot_be_written_is_refused_and_not_made() {
    let kept = Kept::new();
    let mut directory = kept.open();
    let safety = directory.safety.as_ref().unwrap();
    safety.copy().unwrap();
    *safety.shared.lock() = None;
    // The next list's name is taken by what is no list: a link to nowhere counts as its number.
    let next = u32::MAX;
    fs::write(beside(&kept.file, "changes", next - 1), b"").unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", beside(&kept.file, "changes", next)).unwrap();
    let refused = directory.add_vmr(&vmr(1));
    assert!(matches!(refused, Err(AddVmrError::Store(_))), "{refused:?}");
    assert!(directory.vmrs().unwrap().is_empty());
    fs::remove_file(beside(&kept.file, "changes", next)).unwrap();
    directory.add_vmr(&vmr(1)).unwrap();
}

#[test]
fn times_in_names_are_of_the_calendar() {
    assert_eq!(stamp(0), "19700101T000000Z");
    assert_eq!(stamp(951_782_400), "20000229T000000Z");
    assert_eq!(stamp(1_795_369_800), "20261122T175000Z");
}

/// Not a test: what a change costs with and without its list, one after the other in turn.
/// `cargo test -p conclave-directory --release cost_of -- --ignored --nocapture`
#[test]
#[ignore = "measures"]
fn cost_of_a_change() {
    const CHANGES: u128 = 200;
    let kept = [Kept::new(), Kept::new()];
    let mut directories = kept.each_ref().map(Kept::open);
    directories[0].safety = None;
    let mut spent = [Vec::new(), Vec::new()];
    for n in 0..CHANGES {
        for (directory, spent) in directories.iter_mut().zip(&mut spent) {
            let begun = Instant::now();
            directory.enrol(&room(n)).unwrap();
            spent.push(begun.elapsed().as_micros());
        }
    }
    for (spent, how) in spent.iter_mut().zip(["database alone", "with the list"]) {
        spent.sort_unstable();
        let at = |share: usize| spent[spent.len() * share / 100];
        println!("{how}: median {} us, p95 {} us per change", at(50), at(95));
    }
    let begun = Instant::now();
    directories[1].safety.as_ref().unwrap().copy().unwrap();
    println!("a copy of {CHANGES} rooms: {} ms", begun.elapsed().as_millis());
}
