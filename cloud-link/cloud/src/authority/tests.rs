use super::*;
use conclave_link_protocol::message::Refusal;
use std::os::unix::fs::PermissionsExt;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn room_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn signed(authority: &Authority, lifetime: Duration) -> Vec<CertificateDer<'static>> {
    let spki = room_key().subject_public_key_info();
    let chain = authority
        .sign_room(RoomId::from_random(7), &spki, NOW, lifetime)
        .unwrap()
        .to_der()
        .unwrap();
    chain.into_iter().map(CertificateDer::from).collect()
}

#[test]
fn keys_are_made_once_for_their_owner_alone_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("data");
    let pins = Authority::open(&folder, NOW).unwrap().pins();
    for name in ["ca.key", "ca.der", "link.key", "link.der", "backup.key"] {
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 5, "no drafts are left");
    assert_eq!(Authority::open(&folder, NOW).unwrap().pins(), pins);
    assert_ne!(Some(pins.current), pins.backup);
}

#[test]
fn a_signed_room_is_known_by_its_certificate_until_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path(), NOW).unwrap();
    let chain = signed(&authority, ROOM_CERTIFICATE_LIFETIME);
    let expires = NOW.after(ROOM_CERTIFICATE_LIFETIME);
    let Peer::Enrolled { room, spki_der, expires: found, .. } = authority.classify(&chain, NOW)
    else {
        panic!("not enrolled")
    };
    assert_eq!((room, found), (RoomId::from_random(7), expires));
    assert_eq!(Some(spki_der), peer::spki(&chain[0]));
    let late = expires.after(Duration::from_secs(1));
    assert_eq!(authority.classify(&chain, late), Peer::Unfit(Refusal::Expired));
    // Signed by a clock that was ahead, or looked at by one that is behind: ours all the same.
    let early = UnixTime(NOW.0 / 2);
    assert!(matches!(authority.classify(&chain, early), Peer::Enrolled { .. }));
}

#[test]
fn a_server_certificate_made_by_a_clock_that_ran_ahead_is_replaced_when_it_is_right_again() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path(), NOW).unwrap();
    let pins = authority.pins();
    let ahead = NOW.after(DAY * 3650);
    assert!(authority.renew_if_due(ahead).unwrap());
    assert!(authority.renew_if_due(NOW).unwrap(), "it begins in ten years");
    let (begin, end) = peer::validity(&authority.shown().cert[0]).unwrap();
    assert!(begin < NOW && NOW < end);
    assert_eq!(authority.pins(), pins);
    assert!(!authority.renew_if_due(NOW).unwrap());
}

#[test]
fn certificates_of_others_are_foreign_even_when_they_have_expired() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let ours = Authority::open(folders[0].path(), NOW).unwrap();
    let theirs = Authority::open(folders[1].path(), NOW).unwrap();
    let foreign = Peer::Unfit(Refusal::ForeignCertificate);
    let chain = signed(&theirs, DAY);
    assert_eq!(ours.classify(&chain, NOW), foreign);
    assert_eq!(ours.classify(&chain, NOW.after(DAY * 2)), foreign);
    assert_eq!(ours.classify(&[], NOW), foreign);
    assert_eq!(ours.classify(&[CertificateDer::from(vec![0x30, 0x03, 1, 2, 3])], NOW), foreign);
    // Our own server's certificate is none for a room.
    let server = ours.shown().cert.clone();
    assert_eq!(ours.classify(&server, NOW), foreign);
}

#[test]
fn a_self_signed_certificate_is_a_newcomers() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path(), NOW).unwrap();
    let key = room_key();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    let spki_der = key.subject_public_key_info();
    assert_eq!(authority.classify(&[certificate.der().clone()], NOW), Peer::Newcomer { spki_der });
}

#[test]
fn only_keys_of_the_links_kind_are_signed() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path(), NOW).unwrap();
    let sign = |spki: &[u8]| authority.sign_room(RoomId::from_random(7), spki, NOW, DAY);
    let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    assert!(matches!(sign(&other.subject_public_key_info()), Err(SignError::Kind)));
    assert!(matches!(sign(b"no key"), Err(SignError::Kind)));
    let spki = room_key().subject_public_key_info();
    let far = UnixTime(u64::MAX - 5);
    let result = authority.sign_room(RoomId::from_random(7), &spki, far, DAY);
    assert!(matches!(result, Err(SignError::Dates)));
}

#[test]
fn the_servers_certificate_is_renewed_over_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path(), NOW).unwrap();
    let (pins, first) = (authority.pins(), authority.shown().cert[0].clone());
    assert!(!authority.renew_if_due(NOW.after(DAY * 200)).unwrap());
    let later = NOW.after(DAY * 300);
    assert!(authority.renew_if_due(later).unwrap());
    let second = authority.shown().cert[0].clone();
    assert_eq!(peer::not_after(&second), Some(later.after(SERVER_LIFETIME)));
    assert_eq!((peer::spki(&second), authority.pins()), (peer::spki(&first), pins));
    // A cloud that was off for years renews when it starts.
    let years = NOW.after(DAY * 2000);
    let authority = Authority::open(folder.path(), years).unwrap();
    assert!(peer::not_after(&authority.shown().cert[0]).unwrap() > years);
    assert_eq!(authority.pins(), pins);
}

#[test]
fn the_backup_takes_the_servers_place_and_gets_a_backup_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::open(folder.path(), NOW).unwrap();
    let before = authority.pins();
    authority.promote_backup(NOW).unwrap();
    let after = authority.pins();
    assert_eq!(Some(after.current), before.backup);
    assert!(after.backup != before.backup && after.backup != Some(before.current));
    assert_eq!(Authority::open(folder.path(), NOW).unwrap().pins(), after);
    assert!(authority.shown().keys_match().is_ok());
}

#[test]
fn a_backup_half_promoted_by_a_power_cut_is_whole_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let backup = Authority::open(folder.path(), NOW).unwrap().pins().backup;
    let path = |name: &str| folder.path().join(name);
    std::fs::rename(path("backup.key"), path("link.key")).unwrap();
    let authority = Authority::open(folder.path(), NOW).unwrap();
    assert_eq!(Some(authority.pins().current), backup);
    assert!(authority.shown().keys_match().is_ok());
}

#[test]
fn a_damaged_or_missing_key_is_named_and_never_replaced() {
    for (name, missing) in [("ca.key", true), ("link.key", true), ("ca.key", false)] {
        let folder = tempfile::tempdir().unwrap();
        Authority::open(folder.path(), NOW).unwrap();
        let path = folder.path().join(name);
        if missing {
            std::fs::remove_file(&path).unwrap();
        } else {
            std::fs::write(&path, b"torn").unwrap();
        }
        let error = Authority::open(folder.path(), NOW).unwrap_err();
        match error {
            AuthorityError::KeyMissing { path: named } => assert!(missing && named == path),
            AuthorityError::Damaged { path: named } => assert!(!missing && named == path),
            other => panic!("{other:?}"),
        }
        assert_eq!(path.exists(), !missing);
    }
}
