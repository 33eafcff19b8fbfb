//! What can be typed behind `conclave-cloud`.

use crate::config::ConsoleListen;
use crate::control::ParcelKind;
use clap::{Args, Parser, Subcommand};
use conclave_link_protocol::message::SettingsDocument;
use conclave_rollout::Amount;
use conclave_types::{
    ActivationCode, Channel, Compatible, DisplayName, EmailAddress, MaintenanceWindow,
    ParticipantId, Pin, UnixTime, Version, VmrNumber,
};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The cloud that meeting rooms link to: its server and its administrator's tools.
#[derive(Debug, Parser)]
#[command(name = "conclave-cloud", version)]
pub struct Arguments {
    /// The data folder [default: $CONCLAVE_DATA, the configuration's, or /var/lib/conclave-cloud].
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// A configuration file in TOML.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The organisation that is meant, by its name or its id [default: the first one].
    #[arg(long, global = true, value_name = "NAME")]
    pub organisation: Option<String>,
    /// Print the answer as one line of JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the cloud until it is stopped by Ctrl-C or SIGTERM.
    Serve {
        /// Where rooms link, instead of what the configuration says; may be repeated.
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Vec<SocketAddr>,
        /// Where metrics are served for Prometheus, instead of what the configuration says.
        #[arg(long, value_name = "ADDR:PORT")]
        metrics: Option<SocketAddr>,
        /// Where browsers reach the console, or 'off', instead of what the configuration says.
        #[arg(long, value_name = "ADDR:PORT")]
        console: Option<ConsoleListen>,
    },
    /// Show the key pins that go into each room's configuration.
    Pins,
    /// Organisations, each with rooms and meeting rooms of its own: add, list, rename.
    #[command(subcommand)]
    Organisation(OrganisationCommand),
    /// Rooms: enrol, list, rename, follow a channel, updates, reset, revoke, forget.
    #[command(subcommand)]
    Room(RoomCommand),
    /// Devices that are to be rooms: add a list of them, list, enrol, withdraw.
    #[command(subcommand)]
    Awaited(AwaitedCommand),
    /// Groups of rooms: add, list, rename, remove.
    #[command(subcommand)]
    Group(GroupCommand),
    /// How rooms are set, for all of them, a group or one: show, set, unset.
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Virtual meeting rooms: create, list, remove, change the PIN.
    #[command(subcommand)]
    Vmr(VmrCommand),
    /// Meetings that are on: list, let in who waits, end.
    #[command(subcommand)]
    Meeting(MeetingCommand),
    /// Look for something in rooms, meeting rooms and people.
    Search {
        /// A part of a name, a number, a place, a tag or an address.
        words: String,
    },
    /// How the last calls went, and what was wrong with them.
    Calls {
        /// At most so many, the newest first.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        most: u32,
    },
    /// The keys of the link.
    #[command(subcommand)]
    Key(KeyCommand),
    /// The certificate that browsers are shown: whose it is, until when, and what is wrong with getting another one.
    Certificate,
    /// Records of calls: list, remove.
    #[command(subcommand)]
    Record(RecordCommand),
    /// People who may sign in at the console: add, list, invite again, change, remove.
    #[command(subcommand)]
    Person(PersonCommand),
    /// Of whom a second factor is wanted, and whose people may make themselves an account: show, two-factors, allow, withdraw.
    #[command(subcommand)]
    Entry(EntryCommand),
    /// The audit log, who did what: list, check.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Releases of the rooms' system: add, list, remove.
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Bringing releases to rooms, in waves: start, list, status, stop, resume, withdraw.
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// The channels that rooms follow: list.
    #[command(subcommand)]
    Channel(ChannelCommand),
}

/// About organisations.
#[derive(Debug, Subcommand)]
pub enum OrganisationCommand {
    /// Have another one use this cloud.
    Add {
        /// What it is called.
        name: DisplayName,
    },
    /// List all of them.
    List,
    /// Give one another name.
    Rename {
        /// Its id or its present name.
        which: String,
        /// The new name.
        name: DisplayName,
    },
}

/// About releases.
#[derive(Debug, Subcommand)]
pub enum ReleaseCommand {
    /// Add one: its bundle is copied into the data folder and hashed.
    Add {
        /// The bundle, a .raucb file.
        bundle: PathBuf,
        /// Its version, as the bundle has it.
        #[arg(long)]
        version: Version,
        /// The boards that it is made for, as the bundle has it.
        #[arg(long)]
        compatible: Compatible,
        /// The security floor: a room that keeps this release never goes below this version again.
        #[arg(long, default_value = "0.0.0")]
        floor: Version,
    },
    /// List all of them.
    List,
    /// Remove one that was never rolled out, and its bundle.
    Remove {
        /// Its version.
        version: Version,
        /// The boards that it is made for.
        #[arg(long)]
        compatible: Compatible,
    },
}

/// About rollouts.
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    /// Bring a release to the rooms of a channel. An earlier rollout there is withdrawn.
    Start {
        /// The release's version.
        version: Version,
        /// The channel.
        #[arg(long)]
        channel: Channel,
        /// How many rooms each wave takes, those of the waves before it included: 3 or 10%.
        #[arg(long, value_delimiter = ',', default_value = "5%,25%,100%")]
        waves: Vec<Amount>,
        /// How many of a wave have to run it for good before the next begins.
        #[arg(long, default_value = "90%")]
        enough: Amount,
        /// How many of a wave may fail before it stops by itself.
        #[arg(long, default_value = "1")]
        most_failed: Amount,
        /// For how many minutes a wave is looked at before the next begins.
        #[arg(long, default_value_t = 60, value_name = "MINUTES")]
        rest: u32,
    },
    /// List all of them.
    List,
    /// Show one with its rooms; without a number, all of them without their rooms.
    Status {
        /// Its number.
        rollout: Option<u32>,
    },
    /// Take no more rooms, and take back what is not installed yet.
    Stop {
        /// Its number.
        rollout: u32,
    },
    /// Go on with one that was stopped. What failed so far is forgiven, and not tried again.
    Resume {
        /// Its number.
        rollout: u32,
    },
    /// End one for good.
    Withdraw {
        /// Its number.
        rollout: u32,
    },
}

/// About channels.
#[derive(Debug, Subcommand)]
pub enum ChannelCommand {
    /// List them with their rooms and rollouts.
    List,
}

/// About rooms.
#[derive(Debug, Subcommand)]
pub enum RoomCommand {
    /// Enrol the room whose panel shows this code.
    Claim {
        /// What the panel shows, such as 7KQ2-9FXM.
        code: ActivationCode,
        /// What the room is to be called.
        #[arg(long)]
        name: DisplayName,
    },
    /// List all rooms.
    List,
    /// Give a room another name.
    Rename {
        /// Its id or its present name.
        room: String,
        /// The new name.
        name: DisplayName,
    },
    /// Have a room show which it is: panel and display light up with its name, and it makes a sound.
    Identify {
        /// Its id or its name.
        room: String,
    },
    /// Have a room start its machine anew, unless people meet in it.
    Restart {
        /// Its id or its name.
        room: String,
    },
    /// Show one room: how it is, and what became of the last order to it.
    Show {
        /// Its id or its name.
        room: String,
    },
    /// Have a room send its last log lines, or a picture of its panel. People at the panel are told of the picture, and
    /// the camera is never in it.
    Fetch {
        /// Its id or its name.
        room: String,
        /// What: logs or panel-picture.
        what: ParcelKind,
    },
    /// Put what a room sent into a file.
    Parcel {
        /// Its id or its name.
        room: String,
        /// What: logs or panel-picture.
        what: ParcelKind,
        /// The file; one that is there is not written over.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Say in which group a room is, and where it stands. What is left out is taken away.
    Place {
        /// Its id or its name.
        room: String,
        /// The group, by its id or its name.
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// Where it stands, such as 'Main building, 3rd floor'.
        #[arg(long, value_name = "WORDS")]
        place: Option<DisplayName>,
        /// All its tags, with commas between them; '' takes them away. Left out, they stay.
        #[arg(long, value_name = "TAGS")]
        tags: Option<String>,
    },
    /// Have a room follow another channel, or be updated at other hours.
    Follow {
        /// Its id or its name.
        room: String,
        /// The channel, such as early.
        #[arg(long, required_unless_present = "window")]
        channel: Option<Channel>,
        /// When it may be updated, by its own clock, such as 02:00-05:00. Both the same: always.
        #[arg(long)]
        window: Option<MaintenanceWindow>,
    },
    /// Show what each room follows and runs, and how far its update is.
    Updates,
    /// Make a code with which the people in a room can reset it at its panel: good once, and for a
    /// quarter of an hour.
    ResetCode {
        /// Its id or its name.
        room: String,
    },
    /// Reset a room: it leaves its call, erases what it keeps, shows a receipt and restarts as new.
    /// One that is not linked does it with its next link.
    Reset {
        /// Its id or its name.
        room: String,
        /// Say that this is meant.
        #[arg(long)]
        yes: bool,
        /// Forget an order that the room has not carried out yet.
        #[arg(long, conflicts_with = "yes")]
        withdraw: bool,
    },
    /// List resets with their numbers and what came of them.
    Resets {
        /// At most so many, the newest first.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        most: u32,
    },
    /// Shut a room out for good: its link and its call end at once.
    Revoke {
        /// Its id or its name.
        room: String,
    },
    /// Forget a room that was revoked: its entry and the receipts of its resets are removed. Records
    /// of its calls stay for their time.
    Forget {
        /// Its id, or its name.
        room: String,
    },
}

/// About devices that are to be rooms.
#[derive(Debug, Subcommand)]
pub enum AwaitedCommand {
    /// Await the devices of a list, CSV with the columns name, serial or key, and place, group, tags. One that is known by
    /// its key is a room by itself when it links; one that is known by its serial number wants the code on its panel.
    Add {
        /// The list.
        list: PathBuf,
        /// Only look at it.
        #[arg(long)]
        check: bool,
        /// Take the lines that are right, although others are not.
        #[arg(long, conflicts_with = "check")]
        only_right: bool,
    },
    /// List those that have not come yet.
    List,
    /// Enrol the one whose panel shows this code.
    Enrol {
        /// The room's id, or the name that it is to have.
        device: String,
        /// What the panel shows, such as 7KQ2-9FXM.
        code: ActivationCode,
    },
    /// Await one no more.
    Withdraw {
        /// The room's id, or the name that it is to have.
        device: String,
    },
}

/// About groups of rooms.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Make one.
    Add {
        /// What it is called.
        name: DisplayName,
    },
    /// List all of them.
    List,
    /// Give one another name.
    Rename {
        /// Its id or its present name.
        group: String,
        /// The new name.
        name: DisplayName,
    },
    /// Remove one with its settings; its rooms stay.
    Remove {
        /// Its id or its name.
        group: String,
    },
}

/// Which rooms are meant: one, those of a group, or without either all of them.
#[derive(Debug, Args)]
pub struct Which {
    /// The rooms of this group, by its id or its name.
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// This room, by its id or its name.
    #[arg(long, value_name = "NAME", conflicts_with = "group")]
    pub room: Option<String>,
}

/// About how rooms are set.
#[derive(Debug, Subcommand)]
pub enum SettingsCommand {
    /// Show how rooms are set, and what a room made of it.
    Show {
        /// Which.
        #[command(flatten)]
        which: Which,
    },
    /// Set something, such as language=french time_zone=Europe/Paris quiet_hours=22:00-06:00.
    Set {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// What, and how.
        #[arg(required = true, value_name = "NAME=VALUE")]
        settings: Vec<SettingsDocument>,
    },
    /// Take something back: what is set for the group or for all counts again.
    Unset {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// What.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

/// About virtual meeting rooms.
#[derive(Debug, Subcommand)]
pub enum VmrCommand {
    /// Create one.
    Create {
        /// What rooms dial: 3 to 12 digits.
        #[arg(long)]
        number: VmrNumber,
        /// What it is called.
        #[arg(long)]
        name: DisplayName,
        /// Its PIN; without one everybody may enter.
        #[command(flatten)]
        pin: PinArguments,
        /// The most participants at once.
        #[arg(long, default_value_t = 25)]
        capacity: u32,
        /// Whoever comes waits in its lobby until somebody lets them in.
        #[arg(long)]
        lobby: bool,
    },
    /// List all of them.
    List,
    /// Remove one; a meeting in it ends.
    Remove {
        /// Its number.
        number: VmrNumber,
    },
    /// Give one another name or another capacity, a lobby or none. Whoever is in stays in.
    Change {
        /// Its number.
        number: VmrNumber,
        /// The new name.
        #[arg(long, required_unless_present_any = ["capacity", "lobby"])]
        name: Option<DisplayName>,
        /// The most participants at once from now on.
        #[arg(long)]
        capacity: Option<u32>,
        /// Whether whoever comes waits in its lobby: `on` or `off`. Off lets in who waits.
        #[arg(long, value_name = "on|off")]
        lobby: Option<Lobby>,
    },
    /// Change or take away a PIN.
    SetPin {
        /// The meeting room's number.
        number: VmrNumber,
        /// The new PIN.
        #[command(flatten)]
        pin: PinArguments,
        /// Take the PIN away: everybody may enter.
        #[arg(long, conflicts_with_all = ["pin", "pin_stdin"])]
        none: bool,
    },
}

/// A lobby or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Lobby {
    /// Whoever comes waits.
    On,
    /// Whoever comes enters.
    Off,
}

/// A PIN, two ways.
#[derive(Debug, Args)]
pub struct PinArguments {
    /// The PIN, 4 to 12 digits. Others on this machine may see it; --pin-stdin is better.
    #[arg(long, value_name = "PIN", conflicts_with = "pin_stdin")]
    pub pin: Option<Pin>,
    /// Read the PIN from the first line of standard input.
    #[arg(long)]
    pub pin_stdin: bool,
}

/// About meetings.
#[derive(Debug, Subcommand)]
pub enum MeetingCommand {
    /// List them, with who waits in their lobbies.
    List,
    /// Let in who waits in the lobby of one.
    LetIn(Waiting),
    /// Turn away who waits there.
    TurnAway(Waiting),
    /// End one: everybody in it is sent home, and may come again.
    End {
        /// The meeting room's number.
        number: VmrNumber,
    },
}

/// Who waits, and where.
#[derive(Debug, Args)]
pub struct Waiting {
    /// The meeting room's number.
    pub number: VmrNumber,
    /// Who, as 'meeting list' shows it after the name.
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "PARTICIPANT")]
    pub who: Vec<ParticipantId>,
    /// Everybody who waits there.
    #[arg(long)]
    pub all: bool,
}

/// About the link's keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Put the backup key in the place of the link's key, at once and for ever, and make a new
    /// backup: for the day when the key is lost or stolen. Rooms accept it already.
    PromoteBackup {
        /// Say that this is meant.
        #[arg(long)]
        yes: bool,
    },
}

/// About records.
#[derive(Debug, Subcommand)]
pub enum RecordCommand {
    /// List the newest.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        most: u32,
    },
    /// Remove those of calls that ended before a day, for good. Old ones go by themselves: see
    /// 'records.keep_days' in the cloud's configuration.
    Remove {
        /// The day, by UTC, such as 2026-11-22.
        #[arg(long, value_name = "DATE", value_parser = day)]
        before: UnixTime,
    },
}

/// About the door.
#[derive(Debug, Subcommand)]
pub enum EntryCommand {
    /// Show it.
    Show,
    /// Say of whom a second factor is wanted.
    TwoFactors {
        /// everybody, administrators or whoever_wants.
        of: String,
    },
    /// Have people with an e-mail address of this domain make themselves an account.
    Allow {
        /// Such as example.org.
        domain: String,
    },
    /// Have them not do so any more. Accounts that are there stay.
    Withdraw {
        /// The domain.
        domain: String,
    },
}

/// About people.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Give somebody an account, and print the link with which they set their password.
    Add {
        /// What they sign in with.
        email: EmailAddress,
        /// What they are called.
        #[arg(long)]
        name: DisplayName,
        /// administrator, organiser or member.
        #[arg(long, default_value = "member")]
        role: String,
    },
    /// List all of them.
    List,
    /// Print another link for somebody who lost theirs, or their password; the one before is void.
    Invite {
        /// Their id or their e-mail address.
        who: String,
    },
    /// Take somebody's second factor away, their app and their passkeys: their telephone is gone, and their recovery codes
    /// too. From then on their password alone lets them in.
    SecondFactorOff {
        /// Their id or their e-mail address.
        who: String,
    },
    /// Change what somebody is called, what they may do, or whether they may sign in.
    Change {
        /// Their id or their e-mail address.
        who: String,
        /// The new name.
        #[arg(long)]
        name: Option<DisplayName>,
        /// The new role: administrator, organiser or member.
        #[arg(long)]
        role: Option<String>,
        /// Keep them out: whatever they are signed in to ends.
        #[arg(long, conflicts_with = "restore")]
        suspend: bool,
        /// Let them in again.
        #[arg(long)]
        restore: bool,
    },
    /// Remove somebody's account.
    Remove {
        /// Their id or their e-mail address.
        who: String,
    },
}

/// About the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List its newest rows; with --json with their hashes, for keeping elsewhere.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=5_000))]
        most: u32,
        /// Those before the row of this number.
        #[arg(long, value_name = "NUMBER")]
        below: Option<u64>,
        /// What was done to the installation itself: organisations, releases, keys.
        #[arg(long, conflicts_with = "organisation")]
        installation: bool,
    },
    /// Look whether a row is missing or was changed.
    Check,
}

/// The beginning of a day.
fn day(text: &str) -> Result<UnixTime, String> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let day = time::Date::parse(text.trim(), format).ok();
    let seconds =
        day.and_then(|day| u64::try_from(day.midnight().assume_utc().unix_timestamp()).ok());
    seconds.map(UnixTime).ok_or_else(|| "a day is written 2026-11-22: year, month, day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_first_second_and_what_is_none_is_told_how_one_is_written() {
        assert_eq!(day("1970-01-02"), Ok(UnixTime(86_400)));
        assert_eq!(day("2026-11-22"), Ok(UnixTime(1_795_305_600)));
        for text in ["", "22.11.2026", "2026-02-30", "2026-11", "1969-12-31", "yesterday"] {
            assert!(day(text).unwrap_err().contains("2026-11-22"), "{text}");
        }
    }
}
