//! Two organisations on one cloud: neither finds anything of the other.

use super::*;

impl Cloud {
    fn organisation(&mut self, name: &str) -> OrganisationId {
        match self.admin(ControlRequest::OrganisationAdd { name: name.parse().unwrap() }).0 {
            ControlAnswer::OrganisationAdded { organisation } => organisation.organisation,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_same_number_leads_the_rooms_of_each_organisation_to_its_own_meeting_room() {
    let mut cloud = Cloud::new();
    let hospital = cloud.organisation("Hospital");
    let (ours, _) = cloud.room(1, "Board room");
    cloud.vmr("4711", None, 5);
    cloud.vmr("4712", None, 5);
    cloud.whose = hospital;
    let (theirs, their_room) = cloud.room(2, "Board room");
    let outputs = cloud.vmr("4711", Some("246810"), 5);
    let told: Vec<LinkId> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send { link, event: CloudEvent::Directory(_) } => Some(*link),
            _ => None,
        })
        .collect();
    assert_eq!(told, [theirs], "whose list did not change hears nothing");

    assert!(matches!(cloud.join(ours, "4711", None), Response::Joined(_)));
    assert!(matches!(
        cloud.join(theirs, "4711", None),
        Response::NotJoined(JoinRefusal::PinNeeded)
    ));
    assert!(matches!(cloud.join(theirs, "4712", None), Response::NotJoined(JoinRefusal::NotFound)));
    let joined = cloud.joined(theirs, "4711", Some("246810"));
    assert_eq!(joined.roster.participants.len(), 1, "nobody of the other organisation is there");
    cloud.give(Input::Closed { link: theirs });
    let (_, welcome) = cloud.link(2, their_room, vec![]);
    let numbers: Vec<_> =
        welcome.directory.into_iter().map(|entry| entry.number.as_str().to_owned()).collect();
    assert_eq!(numbers, ["4711"]);
}

#[test]
fn what_is_another_organisations_is_answered_like_what_is_not_there() {
    let mut cloud = Cloud::new();
    let hospital = cloud.organisation("Hospital");
    let (link, ours) = cloud.room(1, "Board room");
    cloud.vmr("4711", None, 5);
    cloud.joined(link, "4711", None);
    cloud.whose = hospital;

    let number = || "4711".parse().unwrap();
    let nobody = RoomId::from_random(77);
    for (mine, none) in [(ours.to_string(), nobody.to_string()), ("Board room".into(), "X".into())]
    {
        let asks: [fn(String) -> ControlRequest; 6] = [
            |room| ControlRequest::RoomRename { room, name: "New".parse().unwrap() },
            |room| ControlRequest::RoomRevoke { room },
            |room| ControlRequest::RoomForget { room },
            |room| ControlRequest::RoomReset { room },
            |room| ControlRequest::RoomResetCode { room },
            |room| ControlRequest::RoomFollow {
                room,
                channel: Some(Channel::default()),
                window: None,
            },
        ];
        for ask in asks {
            let theirs = cloud.refused(ask(mine.clone()));
            let nowhere = cloud.refused(ask(none.clone()));
            assert_eq!(theirs.replace(&mine, &none), nowhere);
        }
    }
    for ask in [
        ControlRequest::VmrRemove { number: number() },
        ControlRequest::VmrSetPin { number: number(), pin: None },
        ControlRequest::VmrSetPin { number: number(), pin: Some("246810".parse().unwrap()) },
        ControlRequest::MeetingEnd { number: number() },
    ] {
        assert!(cloud.refused(ask).contains("there is no meeting room 4 711"));
    }
    for (ask, empty) in [
        (
            ControlRequest::RoomList {
                part: Part::default(),
                state: None,
                needs: false,
                group: None,
                tag: None,
            },
            no_rooms(),
        ),
        (
            ControlRequest::VmrList { part: Part::default() },
            ControlAnswer::Vmrs { vmrs: vec![], total: 0 },
        ),
        (ControlRequest::MeetingList, ControlAnswer::Meetings { meetings: vec![] }),
        (ControlRequest::RecordList { most: 9 }, ControlAnswer::Records { records: vec![] }),
        (ControlRequest::RoomUpdates, ControlAnswer::RoomUpdates { rooms: vec![] }),
        (ControlRequest::RoomResets { most: 9 }, ControlAnswer::Resets { resets: vec![] }),
    ] {
        assert_eq!(cloud.admin(ask).0, empty);
    }
    // A name and a number that only the others have are free.
    cloud.room(2, "Board room");
    cloud.vmr("4711", None, 5);
}

#[test]
fn an_organisation_is_named_by_its_id_or_its_name_and_the_first_one_by_nothing() {
    let mut cloud = Cloud::new();
    let hospital = cloud.organisation("Hospital");
    let refused =
        cloud.refused(ControlRequest::OrganisationAdd { name: "Hospital".parse().unwrap() });
    assert!(refused.contains("choose another one"), "{refused}");
    assert_eq!(cloud.board.organisation_called(None), Ok(OrganisationId::FIRST));
    assert_eq!(cloud.board.organisation_called(Some(" Hospital ")), Ok(hospital));
    assert_eq!(cloud.board.organisation_called(Some(&hospital.to_string())), Ok(hospital));
    assert!(
        cloud.board.organisation_called(Some("Clinic")).unwrap_err().contains("no organisation")
    );

    cloud.whose = hospital;
    cloud.room(1, "A");
    cloud.vmr("4711", None, 5);
    let rename = ControlRequest::OrganisationRename {
        organisation: "Organisation".into(),
        name: "Ministry".parse().unwrap(),
    };
    assert!(matches!(cloud.admin(rename).0, ControlAnswer::OrganisationRenamed { .. }));
    let ControlAnswer::Organisations { organisations } =
        cloud.admin(ControlRequest::OrganisationList).0
    else {
        panic!("no list")
    };
    let seen: Vec<_> =
        organisations.iter().map(|each| (each.name.to_string(), each.rooms, each.vmrs)).collect();
    assert_eq!(seen, [("Hospital".to_owned(), 1, 1), ("Ministry".to_owned(), 0, 0)]);
}
