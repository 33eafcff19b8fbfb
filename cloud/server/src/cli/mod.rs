//! The command line: `serve` runs the cloud, everything else asks a running one.
//!
//! Exit codes: 0 done, 1 refused with a reason, 2 not understood.

mod args;
mod print;
mod print_audit;
mod print_awaited;
mod print_people;
mod print_resets;
mod print_room;
mod print_settings;
mod print_updates;

pub use args::{Arguments, Command};

use crate::bundles::Bundles;
use crate::config::{Config, DEFAULT_DATA};
use crate::control::{
    ControlAnswer, ControlLine, ControlRequest, Keep, NewVmr, Part, RolloutChange, SettingsFor,
};
use crate::control_socket;
use crate::data_folder::DataFolder;
use crate::device_list;
use crate::serve;
use anyhow::Context;
use args::{
    AuditCommand, AwaitedCommand, ChannelCommand, EntryCommand, GroupCommand, KeyCommand, Lobby,
    MeetingCommand, OrganisationCommand, PersonCommand, PinArguments, RecordCommand,
    ReleaseCommand, RolloutCommand, RoomCommand, SettingsCommand, VmrCommand, Waiting, Which,
};
use conclave_directory::Tag;
use conclave_types::{Pin, Redacted, Secret};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

/// Does what was typed.
pub fn run(arguments: Arguments) -> ExitCode {
    match perform(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "conclave-cloud: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn perform(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { data, config, organisation, json, command } = arguments;
    let mut config = match config {
        Some(file) => Config::read(&file)?,
        None => Config::default(),
    };
    let data = data
        .or_else(|| std::env::var_os("CONCLAVE_DATA").map(Into::into))
        .or_else(|| config.data.take())
        .unwrap_or_else(|| DEFAULT_DATA.into());
    let folder = DataFolder::at(&data);
    let request = match command {
        Command::Serve { listen, metrics, console } => {
            if !listen.is_empty() {
                config.link.listen = listen;
            }
            config.metrics.listen = metrics.or(config.metrics.listen);
            config.console.listen = console.unwrap_or(config.console.listen);
            return serve::serve(&folder, &config);
        }
        Command::Pins => {
            folder.create()?;
            return show(&print::pins(&serve::pins(&folder)?, json));
        }
        Command::Organisation(OrganisationCommand::Add { name }) => {
            ControlRequest::OrganisationAdd { name }
        }
        Command::Organisation(OrganisationCommand::List) => ControlRequest::OrganisationList,
        Command::Organisation(OrganisationCommand::Rename { which, name }) => {
            ControlRequest::OrganisationRename { organisation: which, name }
        }
        Command::Room(RoomCommand::Claim { code, name }) => {
            ControlRequest::RoomClaim { code, name }
        }
        Command::Room(RoomCommand::List) => ControlRequest::RoomList {
            part: Part::default(),
            state: None,
            needs: false,
            group: None,
            tag: None,
        },
        Command::Room(RoomCommand::Rename { room, name }) => {
            ControlRequest::RoomRename { room, name }
        }
        Command::Room(RoomCommand::Revoke { room }) => ControlRequest::RoomRevoke { room },
        Command::Room(RoomCommand::Forget { room }) => ControlRequest::RoomForget { room },
        Command::Vmr(VmrCommand::Create { number, name, pin, capacity, lobby }) => {
            let new = NewVmr { lobby, ..NewVmr::plain(number, name, capacity) };
            ControlRequest::VmrCreate { new, pin: typed(pin)? }
        }
        Command::Vmr(VmrCommand::List) => ControlRequest::VmrList { part: Part::default() },
        Command::Vmr(VmrCommand::Change { number, name, capacity, lobby }) => {
            let lobby = lobby.map(|lobby| lobby == Lobby::On);
            ControlRequest::VmrChange { number, name, capacity, lobby }
        }
        Command::Vmr(VmrCommand::Remove { number }) => ControlRequest::VmrRemove { number },
        Command::Vmr(VmrCommand::SetPin { number, pin, none }) => {
            let pin = typed(pin)?;
            if pin.is_none() && !none {
                anyhow::bail!("say which PIN: --pin-stdin, --pin PIN, or --none to take it away");
            }
            ControlRequest::VmrSetPin { number, pin }
        }
        Command::Meeting(MeetingCommand::List) => ControlRequest::MeetingList,
        // None named: everybody.
        Command::Meeting(MeetingCommand::LetIn(Waiting { number, who, all: _ })) => {
            ControlRequest::MeetingLetIn { number, who }
        }
        Command::Meeting(MeetingCommand::TurnAway(Waiting { number, who, all: _ })) => {
            ControlRequest::MeetingTurnAway { number, who }
        }
        Command::Meeting(MeetingCommand::End { number }) => ControlRequest::MeetingEnd { number },
        Command::Search { words } => ControlRequest::Search { q: words },
        Command::Calls { most } => ControlRequest::CallList { most },
        Command::Certificate => ControlRequest::CertificateShow,
        Command::Key(KeyCommand::PromoteBackup { yes: true }) => ControlRequest::PromoteBackup,
        Command::Key(KeyCommand::PromoteBackup { yes: false }) => anyhow::bail!(
            "this cannot be undone: the present key is gone afterwards. Say --yes if it is meant"
        ),
        Command::Record(RecordCommand::List { most }) => ControlRequest::RecordList { most },
        Command::Record(RecordCommand::Remove { before }) => {
            ControlRequest::RecordRemove { before }
        }
        Command::Person(command) => person(command),
        Command::Entry(command) => entry(command),
        Command::Audit(AuditCommand::List { most, below, installation }) => {
            ControlRequest::AuditList { installation, below, most }
        }
        Command::Audit(AuditCommand::Check) => ControlRequest::AuditCheck,
        Command::Room(RoomCommand::Follow { room, channel, window }) => {
            ControlRequest::RoomFollow { room, channel, window }
        }
        Command::Room(RoomCommand::Updates) => ControlRequest::RoomUpdates,
        Command::Room(RoomCommand::ResetCode { room }) => ControlRequest::RoomResetCode { room },
        Command::Room(RoomCommand::Reset { room, withdraw: true, .. }) => {
            ControlRequest::RoomResetWithdraw { room }
        }
        Command::Room(RoomCommand::Reset { room, yes: true, .. }) => {
            ControlRequest::RoomReset { room }
        }
        Command::Room(RoomCommand::Reset { .. }) => anyhow::bail!(
            "this cannot be undone: the room leaves its call, its keys, its settings and its logs \
             are gone, and it has to be enrolled again. Say --yes if it is meant"
        ),
        Command::Room(RoomCommand::Resets { most }) => ControlRequest::RoomResets { most },
        Command::Room(RoomCommand::Identify { room }) => ControlRequest::RoomIdentify { room },
        Command::Room(RoomCommand::Restart { room }) => ControlRequest::RoomRestart { room },
        Command::Room(RoomCommand::Show { room }) => ControlRequest::RoomShow { room },
        Command::Room(RoomCommand::Fetch { room, what }) => {
            ControlRequest::RoomFetch { room, what }
        }
        Command::Room(RoomCommand::Parcel { room, what, to }) => {
            let request = ControlRequest::RoomParcel { room, what };
            return save(&folder, &ControlLine { organisation, request }, &to);
        }
        Command::Room(RoomCommand::Place { room, group, place, tags }) => {
            let tags = tags.as_deref().map(Tag::list).transpose()?;
            ControlRequest::RoomPlace { room, group, place, tags }
        }
        Command::Awaited(command) => awaited(command)?,
        Command::Group(command) => group(command),
        Command::Settings(command) => settings(&folder, organisation.as_deref(), command)?,
        Command::Release(command) => release(&folder, command)?,
        Command::Rollout(command) => rollout(command),
        Command::Channel(ChannelCommand::List) => ControlRequest::ChannelList,
    };
    ask(&folder, &ControlLine { organisation, request }, json)
}

fn release(folder: &DataFolder, command: ReleaseCommand) -> anyhow::Result<ControlRequest> {
    Ok(match command {
        ReleaseCommand::Add { bundle, version, compatible, floor } => {
            let (sha256, size) = Bundles::at(folder).take(&bundle)?;
            ControlRequest::ReleaseAdd { version, compatible, sha256, size, floor }
        }
        ReleaseCommand::List => ControlRequest::ReleaseList,
        ReleaseCommand::Remove { version, compatible } => {
            ControlRequest::ReleaseRemove { version, compatible }
        }
    })
}

fn awaited(command: AwaitedCommand) -> anyhow::Result<ControlRequest> {
    Ok(match command {
        AwaitedCommand::Add { list, check, only_right } => {
            let keep = match (check, only_right) {
                (true, _) => Keep::None,
                (_, true) => Keep::Right,
                _ => Keep::All,
            };
            let named = || format!("the list {} cannot be read", list.display());
            let mut octets = Vec::new();
            // One more than a list may have: the cloud says so.
            let most = device_list::LONGEST as u64 + 1;
            File::open(&list)
                .and_then(|file| file.take(most).read_to_end(&mut octets))
                .with_context(named)?;
            let list = Redacted(String::from_utf8_lossy(&octets).into_owned());
            ControlRequest::DevicesAwait { list, keep }
        }
        AwaitedCommand::List => ControlRequest::AwaitedList { part: Part::default() },
        AwaitedCommand::Enrol { device, code } => ControlRequest::AwaitedClaim { device, code },
        AwaitedCommand::Withdraw { device } => ControlRequest::AwaitedWithdraw { device },
    })
}

fn group(command: GroupCommand) -> ControlRequest {
    match command {
        GroupCommand::Add { name } => ControlRequest::GroupAdd { name },
        GroupCommand::List => ControlRequest::GroupList,
        GroupCommand::Rename { group, name } => ControlRequest::GroupRename { group, name },
        GroupCommand::Remove { group } => ControlRequest::GroupRemove { group },
    }
}

/// What is set besides stays: it is looked up first.
fn settings(
    folder: &DataFolder,
    organisation: Option<&str>,
    command: SettingsCommand,
) -> anyhow::Result<ControlRequest> {
    let of = |which: Which| SettingsFor { group: which.group, room: which.room };
    let (of, set, unset) = match command {
        SettingsCommand::Show { which } => {
            return Ok(ControlRequest::SettingsShow { of: of(which) });
        }
        SettingsCommand::Set { which, settings } => (of(which), settings, Vec::new()),
        SettingsCommand::Unset { which, names } => (of(which), Vec::new(), names),
    };
    let organisation = organisation.map(str::to_owned);
    let request = ControlRequest::SettingsShow { of: of.clone() };
    let line = ControlLine { organisation, request };
    let now = match control_socket::ask(folder.path(), &folder.control_socket(), &line)? {
        ControlAnswer::Settings { settings } => settings,
        ControlAnswer::Refused { reason, .. } => anyhow::bail!(reason),
        _ => anyhow::bail!("the cloud answered something else"),
    };
    let all = set.iter().fold(now.own, |all, one| all.under(one));
    if let Some(missing) = unset.iter().find(|name| all.get(name).is_none()) {
        anyhow::bail!("'{missing}' is not set here: see 'conclave-cloud settings show'");
    }
    let kept = all.iter().filter(|(name, _)| !unset.iter().any(|gone| gone == name));
    let kept: BTreeMap<String, String> =
        kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(ControlRequest::SettingsSet { of, settings: kept.try_into()?, revision: Some(now.revision) })
}

fn person(command: PersonCommand) -> ControlRequest {
    match command {
        PersonCommand::Add { email, name, role } => ControlRequest::PersonAdd { email, name, role },
        PersonCommand::List => ControlRequest::PersonList { part: Part::default() },
        PersonCommand::Invite { who } => ControlRequest::PersonInvite { person: who },
        PersonCommand::SecondFactorOff { who } => {
            ControlRequest::PersonSecondFactorOff { person: who }
        }
        PersonCommand::Change { who, name, role, suspend, restore } => {
            let suspended = match (suspend, restore) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            };
            ControlRequest::PersonChange { person: who, name, role, suspended }
        }
        PersonCommand::Remove { who } => ControlRequest::PersonRemove { person: who },
    }
}

fn entry(command: EntryCommand) -> ControlRequest {
    match command {
        EntryCommand::Show => ControlRequest::EntryShow,
        EntryCommand::TwoFactors { of } => ControlRequest::EntryTwoFactors { of },
        EntryCommand::Allow { domain } => ControlRequest::EntryAllow { domain },
        EntryCommand::Withdraw { domain } => ControlRequest::EntryWithdraw { domain },
    }
}

fn rollout(command: RolloutCommand) -> ControlRequest {
    let set = |rollout, to| ControlRequest::RolloutSet { rollout, to };
    match command {
        RolloutCommand::Start { version, channel, waves, enough, most_failed, rest } => {
            let rest_minutes = rest;
            ControlRequest::RolloutStart {
                version,
                channel,
                waves,
                enough,
                most_failed,
                rest_minutes,
            }
        }
        RolloutCommand::List | RolloutCommand::Status { rollout: None } => {
            ControlRequest::RolloutList
        }
        RolloutCommand::Status { rollout: Some(rollout) } => {
            ControlRequest::RolloutStatus { rollout }
        }
        RolloutCommand::Stop { rollout } => set(rollout, RolloutChange::Stop),
        RolloutCommand::Resume { rollout } => set(rollout, RolloutChange::Resume),
        RolloutCommand::Withdraw { rollout } => set(rollout, RolloutChange::Withdraw),
    }
}

fn ask(folder: &DataFolder, line: &ControlLine, json: bool) -> anyhow::Result<()> {
    let data: &Path = folder.path();
    let answer = control_socket::ask(data, &folder.control_socket(), line)?;
    if json {
        show(&serde_json::to_string(&answer)?)?;
    }
    match answer {
        ControlAnswer::Refused { reason, .. } => anyhow::bail!(reason),
        ControlAnswer::DevicesRead { wrong, kept: 0, .. } if wrong > 0 && !json => {
            anyhow::bail!(print::words(&answer, None))
        }
        ControlAnswer::AuditChecked { ref wrong, .. } if !wrong.is_empty() => {
            // A script that looks every night has to notice.
            anyhow::bail!(print::words(&answer, None))
        }
        _ if json => Ok(()),
        answer => show(&print::words(&answer, console(folder).as_deref())),
    }
}

/// Puts what a room sent into a file of its own.
fn save(folder: &DataFolder, line: &ControlLine, to: &Path) -> anyhow::Result<()> {
    match control_socket::ask(folder.path(), &folder.control_socket(), line)? {
        ControlAnswer::RoomParcel { octets, .. } => {
            let mut options = std::fs::OpenOptions::new();
            options
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(to)
                .and_then(|mut file| file.write_all(&octets.0))
                .with_context(|| format!("{} cannot be written", to.display()))?;
            show(&format!("It is in {}.", to.display()))
        }
        ControlAnswer::Refused { reason, .. } => anyhow::bail!(reason),
        _ => anyhow::bail!("the cloud answered something else"),
    }
}

/// Where browsers reach the running cloud's console.
fn console(folder: &DataFolder) -> Option<String> {
    let text = std::fs::read_to_string(folder.run_file()).ok()?;
    serde_json::from_str::<crate::data_folder::Run>(&text).ok()?.console
}

fn show(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{}", text.trim_end()).context("cannot write the answer")
}

fn typed(arguments: PinArguments) -> anyhow::Result<Option<Pin>> {
    let PinArguments { pin, pin_stdin } = arguments;
    if !pin_stdin {
        return Ok(pin);
    }
    let mut line = String::new();
    // Longer than any PIN, shorter than a file that somebody piped in by mistake.
    let read = std::io::stdin().lock().take(256).read_line(&mut line);
    let line = Secret::new(line);
    read.context("the PIN cannot be read from standard input")?;
    Ok(Some(line.expose().trim().parse::<Pin>()?))
}
