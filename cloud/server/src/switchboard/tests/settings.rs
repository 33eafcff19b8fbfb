//! How rooms are set: what counts, who is told, and what a room made of it.

use super::*;
use crate::control::{GroupLine, InForce, SettingsFor, SettingsLine};
use std::collections::BTreeMap;

fn document(pairs: &[(&str, &str)]) -> SettingsDocument {
    let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect::<BTreeMap<_, _>>().try_into().unwrap()
}

fn all() -> SettingsFor {
    SettingsFor::default()
}

fn group(name: &str) -> SettingsFor {
    SettingsFor { group: Some(name.into()), room: None }
}

fn one(name: &str) -> SettingsFor {
    SettingsFor { group: None, room: Some(name.into()) }
}

impl Cloud {
    fn set(&mut self, of: SettingsFor, pairs: &[(&str, &str)]) -> Vec<Output> {
        let settings = document(pairs);
        let (answer, outputs) =
            self.admin(ControlRequest::SettingsSet { of, settings, revision: None });
        assert!(matches!(answer, ControlAnswer::Settings { .. }), "{answer:?}");
        outputs
    }

    fn settings(&mut self, of: SettingsFor) -> SettingsLine {
        match self.admin(ControlRequest::SettingsShow { of }).0 {
            ControlAnswer::Settings { settings } => *settings,
            other => panic!("{other:?}"),
        }
    }

    fn group(&mut self, name: &str) -> GroupLine {
        match self.admin(ControlRequest::GroupAdd { name: name.parse().unwrap() }).0 {
            ControlAnswer::GroupChanged { group } => group,
            other => panic!("{other:?}"),
        }
    }

    fn place(&mut self, room: &str, group: Option<&str>) -> Vec<Output> {
        let (room, group) = (room.to_owned(), group.map(str::to_owned));
        let (answer, outputs) =
            self.admin(ControlRequest::RoomPlace { room, group, place: None, tags: None });
        assert!(matches!(answer, ControlAnswer::RoomPlaced { .. }), "{answer:?}");
        outputs
    }

    /// A room says that it follows this.
    fn follows(&mut self, link: LinkId, wanted: Option<&WantedSettings>) -> Vec<Output> {
        let report = SettingsReport {
            mark: wanted.map(|wanted| wanted.mark),
            in_force: wanted.map(|wanted| wanted.settings.clone()).unwrap_or_default(),
            not_understood: vec![],
        };
        self.give(Input::Event { link, event: RoomEvent::Settings(report) })
    }
}

/// What a link is sent of settings.
fn sent(outputs: &[Output], to: LinkId) -> Vec<WantedSettings> {
    let events = events_to(outputs, to).into_iter();
    events
        .filter_map(|event| match event {
            CloudEvent::Settings(wanted) => Some(wanted.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn the_nearer_setting_counts_and_a_change_reaches_those_it_is_for() {
    let mut cloud = Cloud::new();
    let (a, _) = cloud.room(1, "A");
    let (b, _) = cloud.room(2, "B");
    cloud.follows(a, None);
    cloud.follows(b, None);
    let outputs = cloud.set(all(), &[("language", "french"), ("camera", "off")]);
    let [to_a] = &sent(&outputs, a)[..] else { panic!("{outputs:?}") };
    assert_eq!(to_a.settings, document(&[("camera", "off"), ("language", "french")]));
    assert_eq!(sent(&outputs, b), std::slice::from_ref(to_a));
    cloud.follows(a, Some(to_a));
    cloud.follows(b, Some(to_a));

    cloud.group("Visitors");
    let outputs = cloud.place("A", Some("Visitors"));
    assert!(sent(&outputs, a).is_empty(), "nothing is set for the group yet");
    let outputs = cloud.set(group("Visitors"), &[("language", "english")]);
    let wanted = document(&[("camera", "off"), ("language", "english")]);
    assert_eq!(sent(&outputs, a)[0].settings, wanted);
    assert!(sent(&outputs, b).is_empty(), "it is in no group");
    let outputs = cloud.set(one("A"), &[("camera", "on")]);
    let wanted = document(&[("camera", "on"), ("language", "english")]);
    assert_eq!(sent(&outputs, a)[0].settings, wanted);
    let line = cloud.settings(one("A"));
    assert_eq!(line.own, document(&[("camera", "on")]));
    assert_eq!(line.inherited, document(&[("camera", "off"), ("language", "english")]));
    assert_eq!(line.room.unwrap().in_force, Some(InForce::Waits));
    assert_eq!(cloud.settings(group("Visitors")).inherited.get("language"), Some("french"));

    // Without its group it is set as all are, but for what is its own.
    let outputs = cloud.admin(ControlRequest::GroupRemove { group: "Visitors".into() }).1;
    let wanted = document(&[("camera", "on"), ("language", "french")]);
    assert_eq!(sent(&outputs, a)[0].settings, wanted);
    // The next start finds the same.
    let mut again = Cloud::on(cloud.disk.clone());
    assert_eq!(again.settings(one("A")).room.unwrap().wanted, wanted);
}

#[test]
fn a_room_is_told_with_its_link_what_it_does_not_follow_and_once() {
    let mut cloud = Cloud::new();
    let (link, room) = cloud.room(1, "A");
    assert!(sent(&cloud.follows(link, None), link).is_empty(), "nothing is wanted of it");
    cloud.give(Input::Closed { link });
    assert!(cloud.set(all(), &[("brightness", "40")]).is_empty());
    assert_eq!(cloud.settings(one("A")).room.unwrap().in_force, None);

    let (link, _) = cloud.link(1, room, vec![]);
    let outputs = cloud.follows(link, None);
    let wanted = sent(&outputs, link);
    assert_eq!(wanted.len(), 1);
    // It goes away in the middle of it, and is told again.
    cloud.give(Input::Closed { link });
    let (link, _) = cloud.link(1, room, vec![]);
    assert_eq!(sent(&cloud.follows(link, None), link), wanted);
    // One that says the same again and again, or something else, is not told again and again.
    let other = WantedSettings { mark: SettingsMark(7), settings: document(&[("x", "y")]) };
    for said in [None, Some(&other), None, Some(&other)] {
        assert!(sent(&cloud.follows(link, said), link).is_empty());
    }
    assert!(sent(&cloud.follows(link, Some(&wanted[0])), link).is_empty());
    assert_eq!(cloud.settings(one("A")).room.unwrap().in_force, Some(InForce::All));
    // Somebody at the panel chose otherwise.
    let report = SettingsReport {
        mark: Some(wanted[0].mark),
        in_force: document(&[("brightness", "100")]),
        not_understood: vec![],
    };
    cloud.give(Input::Event { link, event: RoomEvent::Settings(report) });
    assert_eq!(cloud.settings(one("A")).room.unwrap().in_force, Some(InForce::Partly));
    // Nothing is wanted any more: that is told too.
    assert!(sent(&cloud.set(all(), &[]), link)[0].settings.is_empty());
}

#[test]
fn whoever_changes_what_somebody_else_changed_meanwhile_is_told() {
    let mut cloud = Cloud::new();
    let settings = document(&[("language", "french")]);
    let set = |revision| ControlRequest::SettingsSet {
        of: all(),
        settings: settings.clone(),
        revision: Some(revision),
    };
    assert!(matches!(cloud.admin(set(0)).0, ControlAnswer::Settings { .. }));
    let (answer, _) = cloud.admin(set(0));
    let ControlAnswer::Refused { code, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(code, RefusalCode::ChangedMeanwhile);
    assert_eq!(cloud.settings(all()).revision, 1);
    assert!(matches!(cloud.admin(set(1)).0, ControlAnswer::Settings { .. }));
}

#[test]
fn what_is_no_setting_is_refused_with_what_may_be() {
    let mut cloud = Cloud::new();
    for (pair, says) in [
        (("colour", "red"), "there are language"),
        (("language", "klingon"), "english or french"),
        (("time_zone", "Mars/Olympus"), "Europe/Paris"),
        (("brightness", "1000"), "20 to 100"),
        (("quiet_hours", "22:00-"), "22:00-06:00"),
    ] {
        let settings = document(&[pair]);
        let set = ControlRequest::SettingsSet { of: all(), settings, revision: None };
        let told = cloud.refused(set);
        assert!(told.contains(says), "{told}");
    }
    cloud.set(all(), &[("time_zone", "America/Argentina/Buenos_Aires")]);
}

#[test]
fn another_organisations_groups_and_rooms_are_not_there() {
    let mut cloud = Cloud::new();
    cloud.room(1, "A");
    let ours = cloud.group("Visitors");
    let name = "Others".parse().unwrap();
    let ControlAnswer::OrganisationAdded { organisation } =
        cloud.admin(ControlRequest::OrganisationAdd { name }).0
    else {
        panic!()
    };
    cloud.whose = organisation.organisation;
    for of in [group("Visitors"), group(&ours.group.to_string()), one("A")] {
        let told = cloud.refused(ControlRequest::SettingsShow { of });
        assert!(told.contains("there is no"), "{told}");
    }
    let group = ours.group.to_string();
    cloud.refused(ControlRequest::GroupRemove { group: group.clone() });
    cloud.room(2, "B");
    let place =
        ControlRequest::RoomPlace { room: "B".into(), group: Some(group), place: None, tags: None };
    cloud.refused(place);
    cloud.set(all(), &[("language", "french")]);
    cloud.whose = OrganisationId::FIRST;
    assert!(cloud.settings(one("A")).room.unwrap().wanted.is_empty());
    cloud.group("Others may have this name too");
    let again = ControlRequest::GroupAdd { name: "Visitors".parse().unwrap() };
    assert!(cloud.refused(again).contains("another group has this name"));
}

#[test]
fn a_room_that_dials_only_what_is_listed_reaches_no_hidden_meeting_room() {
    let mut cloud = Cloud::with_ada();
    let (link, _) = cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    let hidden = NewVmr {
        number: None,
        hidden: true,
        ..NewVmr::plain("999".parse().unwrap(), "Merger".parse().unwrap(), 5)
    };
    let ControlAnswer::VmrCreated { vmr } =
        cloud.browse(1, ControlRequest::VmrCreate { new: hidden, pin: None })
    else {
        panic!()
    };
    let number = vmr.number.to_string();
    let call = cloud.joined(link, &number, None).call;
    cloud.ask(link, RoomRequest::Leave { call });
    cloud.set(one("A"), &[("dialling", "listed")]);
    assert_eq!(cloud.join(link, &number, None), Response::NotJoined(JoinRefusal::NotFound));
    cloud.joined(link, "4711", None);
}

#[test]
fn rooms_are_found_by_their_group_and_place() {
    let mut cloud = Cloud::new();
    for (key, name) in [(1, "A"), (2, "B"), (3, "C")] {
        cloud.room(key, name);
    }
    cloud.group("Visitors");
    let place = ControlRequest::RoomPlace {
        room: "B".into(),
        group: Some("Visitors".into()),
        place: Some("Main building, 3rd floor".parse().unwrap()),
        tags: None,
    };
    cloud.admin(place);
    let mut names = |q: &str, group: Option<&str>| {
        let part = Part { q: q.into(), ..Part::default() };
        let group = group.map(str::to_owned);
        match cloud
            .admin(ControlRequest::RoomList { part, state: None, needs: false, group, tag: None })
            .0
        {
            ControlAnswer::Rooms { rooms, .. } => {
                rooms.into_iter().map(|room| room.name.to_string()).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(names("3RD", None), ["B"]);
    assert_eq!(names("", Some("Visitors")), ["B"]);
    assert_eq!(names("", None).len(), 3);
}
