//! What conclave-roomd and the touch panel say to each other, over a Unix socket.
//!
//! The daemon sends the whole [`Panel`] whenever something on it changes; the panel draws exactly
//! that and sends back [`Tap`]s. It keeps nothing: digits typed so far come back in the next
//! [`Panel`]. Frames: a length (u32, big endian, at most [`MAX_FRAME_LEN`]), then JSON.

#![forbid(unsafe_code)]

mod frame;
mod picture;

pub use conclave_types::{Language, Layout};
pub use frame::{
    FrameError, MAX_FRAME_LEN, decode, decode_length, encode, read_frame, write_frame,
};

pub use picture::{LONGEST_PIECE, PictureOctets, PicturePiece};

use conclave_types::{
    ActivationCode, DisplayName, ParticipantId, ResetNumber, Switch, TimeZone, UnixTime, Version,
    VmrNumber,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything that the panel shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panel {
    /// The language of every word on the panel and the display.
    pub language: Language,
    /// The room's name; `None` before it is enrolled.
    pub room: Option<DisplayName>,
    /// The device's serial number, small, for IT.
    pub serial: String,
    /// The link to the cloud.
    pub link: LinkState,
    /// Whether the camera works.
    pub camera: Health,
    /// Whether the microphone works.
    pub microphone: Health,
    /// What fills the panel.
    pub screen: Screen,
    /// Something the person should know, shown above the screen until tapped away or mended.
    pub notice: Option<Notice>,
    /// Whether the panel is dark, because nobody is there to look at it; a touch is [`Tap::Wake`].
    #[serde(default)]
    pub asleep: bool,
    /// Whether somebody asks which room it is: the panel shows its name, large.
    #[serde(default)]
    pub identify: bool,
    /// How bright it is, 20 to 100 per cent of its light.
    #[serde(default = "full")]
    pub brightness: u8,
    /// By which clock it shows the time; the machine's own when there is none.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// Whether the system is a development image, which lets in whoever is at its serial port: said on
    /// every screen.
    #[serde(default)]
    pub development: bool,
    /// Whether IT looks at it: said on the screen, in a bar of its own.
    #[serde(default)]
    pub look: Option<Look>,
}

/// IT looks at the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
pub enum Look {
    /// It will in a moment.
    Soon,
    /// It does: the panel hands over a picture of what it shows now, as [`Tap::Picture`], or [`Tap::NoPicture`].
    Picture {
        /// Names it in the answer; of one number there is one picture.
        number: u32,
    },
    /// It has.
    Over,
}

fn full() -> u8 {
    100
}

fn yes() -> bool {
    true
}

/// The link, in words for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Linked.
    Up,
    /// The first connection since start is being made.
    Connecting,
    /// It was there and is not now; the daemon tries again by itself.
    Lost {
        /// Seconds until the next attempt; 0 while one is under way.
        retry_in_s: u32,
    },
}

/// Whether a part of the room works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It does.
    Working,
    /// It is not there or gives nothing.
    Missing,
}

/// What fills the panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "screen", rename_all = "snake_case")]
pub enum Screen {
    /// The daemon has nothing to show yet.
    Starting,
    /// Not enrolled: the code that IT types in.
    Activation {
        /// The code; `None` until the cloud has sent one.
        code: Option<ActivationCode>,
        /// Seconds that the code still works, for the ring.
        seconds_left: u32,
        /// Seconds that it worked at first: the full ring.
        seconds_total: u32,
    },
    /// Nobody is in a call.
    Idle {
        /// Today's meetings that the room is invited to and that are not over, by their beginning.
        #[serde(default)]
        meetings: Vec<Meeting>,
        /// The meeting rooms to choose from.
        directory: Vec<Entry>,
        /// Whether a number may be typed.
        #[serde(default = "yes")]
        numbers: bool,
    },
    /// The number pad.
    Number {
        /// Digits typed so far, ungrouped.
        typed: String,
        /// Whether *Join* does something.
        complete: bool,
        /// What was wrong with the last number, on the spot.
        trouble: Option<Trouble>,
    },
    /// The PIN pad. The digits themselves stay in the daemon.
    Pin {
        /// Which meeting room asks.
        number: VmrNumber,
        /// Its name, when the directory lists it.
        name: Option<DisplayName>,
        /// How many digits are typed.
        typed: u8,
        /// Whether *Join* does something.
        complete: bool,
        /// What was wrong with the last PIN, on the spot.
        trouble: Option<Trouble>,
    },
    /// On the way into a meeting.
    Connecting {
        /// Where to.
        number: VmrNumber,
        /// Its name, when known.
        name: Option<DisplayName>,
    },
    /// In the lobby of a meeting: somebody may let the room in.
    Lobby {
        /// The meeting room's number.
        number: VmrNumber,
        /// Its name.
        name: DisplayName,
        /// Whether the room can be let in now, or its link is lost and it finds its place again by itself.
        health: CallHealth,
    },
    /// In a meeting.
    InCall(Box<InCall>),
    /// Somebody wants the room reset, and types the code. The digits themselves stay in the daemon.
    ResetCode {
        /// How many of the eight digits are typed.
        typed: u8,
        /// Whether *Continue* does something.
        complete: bool,
        /// What was wrong with the last code, on the spot.
        trouble: Option<Trouble>,
    },
    /// The room may be reset: asked once more.
    ResetConfirm {
        /// Seconds until the question goes by itself.
        seconds_left: u32,
    },
    /// What the room keeps is being erased.
    Resetting,
    /// It is erased, or could not be; the room restarts.
    ResetReceipt(Box<ResetReceipt>),
    /// Somebody put in a stick with a new system.
    Stick {
        /// How far that is.
        step: StickStep,
    },
}

/// How far an update from a stick is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum StickStep {
    /// Whether to install it.
    Ask {
        /// The version that runs.
        running: Version,
        /// The version on the stick.
        version: Version,
    },
    /// It cannot be installed here.
    Unusable {
        /// Why.
        why: StickFault,
    },
    /// It is being copied; the stick has to stay.
    Copying {
        /// 0 to 100.
        percent: u8,
    },
    /// It is being installed; the stick may be taken out.
    Installing {
        /// 0 to 100.
        percent: u8,
    },
    /// It is installed, and the room restarts.
    Restarting,
}

/// What is wrong with what a stick brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StickFault {
    /// Nobody whom this room trusts has signed it, or it is damaged.
    NotSigned,
    /// It is made for another board.
    WrongBoard,
    /// This room runs the same version or a newer one, or must not go below another.
    NotNewer,
    /// It did not work in this room before.
    TriedBefore,
    /// It could not be copied: the stick was taken out, cannot be read, or the disk is full.
    Copy,
    /// Installing broke off.
    Install,
}

/// What a room says of its factory reset, to be compared with the cloud's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetReceipt {
    /// What the reset is known by; `None` of a room that belonged to nobody.
    pub number: Option<ResetNumber>,
    /// The room's name, when it had one.
    pub room: Option<DisplayName>,
    /// The device's serial number.
    pub serial: String,
    /// The first sixteen hexadecimal digits of the SHA-256 of the key that is gone, in groups of four.
    pub key: String,
    /// When, by the room's clock.
    pub at: UnixTime,
    /// What was erased.
    pub erased: Erased,
    /// Whether the cloud has noted it.
    pub noted: bool,
    /// Seconds until the room restarts.
    pub restart_in_s: u32,
}

/// What a reset erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Erased {
    /// The keys of the encrypted partition, and all that it holds with them.
    Partition,
    /// The content of the data folder.
    Folder,
    /// Nothing for certain.
    Nothing,
}

/// A meeting room in the panel's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub number: VmrNumber,
    /// Its name.
    pub name: DisplayName,
    /// Whether it asks for a PIN.
    pub pin: bool,
}

/// A meeting that the room is invited to, or a time that its calendar takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// Its number, for [`Tap::Choose`]; `None`: there is nothing to join.
    pub number: Option<VmrNumber>,
    /// What it is called; `None`: that is not said.
    pub title: Option<DisplayName>,
    /// When it begins.
    pub starts_at: UnixTime,
    /// When it ends.
    pub ends_at: UnixTime,
    /// Who called it.
    pub organiser: Option<DisplayName>,
    /// Whether its time has come.
    pub now: bool,
}

/// The call that the room is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InCall {
    /// The meeting room's name.
    pub name: DisplayName,
    /// Its number.
    pub number: VmrNumber,
    /// Seconds since the room came in.
    pub seconds: u32,
    /// Everyone, this room included.
    pub participants: Vec<Person>,
    /// This room's microphone.
    pub microphone: Switch,
    /// This room's camera.
    pub camera: Switch,
    /// The loudspeaker, 0 to 100.
    pub volume: u8,
    /// How the display arranges the pictures.
    pub layout: Layout,
    /// Whether the list of participants is open.
    pub people_open: bool,
    /// Who waits in the lobby, as far as this room may let them in; in the order in which they came.
    #[serde(default)]
    pub lobby: Vec<Waiter>,
    /// Whether the call goes on while it cannot be steered, or is being joined again.
    pub health: CallHealth,
}

/// Somebody who waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// Who, for [`Tap::LetIn`] and [`Tap::TurnAway`].
    pub participant: ParticipantId,
    /// Their name.
    pub name: DisplayName,
}

/// How a call fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallHealth {
    /// All is well.
    Good,
    /// The link is lost; picture and sound go on.
    LinkLost,
    /// The call broke off and the room is going back into it by itself.
    Rejoining,
}

/// One participant on the panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their id in this meeting.
    pub participant: ParticipantId,
    /// Their name.
    pub name: DisplayName,
    /// Whether they are heard.
    pub microphone: Switch,
    /// Whether they are seen.
    pub camera: Switch,
    /// Whether they speak loudest now.
    pub speaking: bool,
    /// Whether this is the room itself.
    pub me: bool,
}

/// What went wrong with a number or a PIN; shown where it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "snake_case")]
pub enum Trouble {
    /// No meeting room has this number.
    NotFound,
    /// The PIN is not right.
    WrongPin {
        /// Tries before a wait.
        tries_left: u8,
    },
    /// Too many wrong PINs.
    Wait {
        /// Seconds still to wait; counts down.
        seconds: u32,
    },
    /// Too many numbers that are none.
    TooManyNumbers {
        /// Seconds still to wait; counts down.
        seconds: u32,
    },
    /// Everyone who fits is in already.
    Full {
        /// How many fit.
        capacity: u32,
    },
    /// The cloud cannot take another call.
    Busy,
    /// As many wait in the meeting's lobby as may.
    LobbyFull,
    /// The meeting has a lobby, and this room's software is too old to wait in it.
    LobbyUnsupported,
    /// The room is not linked, so nothing can be asked.
    NoLink,
    /// The reset code is not right.
    WrongResetCode {
        /// Tries before the code is worth nothing.
        tries_left: u8,
    },
    /// No reset code is good for this room now.
    NoResetCode,
    /// Media could not be started in this room.
    Media,
    /// Anything else; the reference finds it in the log.
    Other,
}

/// Something the person should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// The camera is not there or went away.
    CameraLost,
    /// The microphone is not there or went away.
    MicrophoneLost,
    /// IT does not let the camera be turned on.
    CameraNotAllowed,
    /// IT does not let the microphone be turned on.
    MicrophoneNotAllowed,
    /// The cloud ended the call.
    CallEnded,
    /// The call broke off and could not be joined again.
    CallLost,
    /// The room waited in a lobby, and somebody did not let it in.
    TurnedAway,
    /// The room waited in a lobby, and nobody answered.
    NobodyCame,
    /// The room waited in a lobby, and the meeting ended.
    EndedMeanwhile,
    /// The room waited in a lobby or was about to come out of it, and the cloud cannot carry its call now.
    NotLetIn,
    /// Somebody cannot be let in: the meeting has its most participants.
    MeetingFull,
    /// An administrator removed this room from the cloud; a new code follows.
    Revoked,
    /// The room's certificate is not good any more; a new code follows.
    NotRecognised,
    /// The cloud's key is not the pinned one: the room refuses to talk to it.
    WrongCloud,
    /// A new system is being installed, started or proved: the room is gone for a moment.
    Updating,
    /// IT starts the room anew.
    Restarting,
    /// A new system did not work here; the old one runs again.
    UpdateFailed,
    /// It is too hot inside.
    Hot,
    /// It is so hot inside that the room is about to slow down or switch off.
    VeryHot,
    /// The reset button was held, and nothing was reset: an older daemon cannot do that.
    ResetHeld,
    /// Somebody wanted the room reset while it is in a meeting.
    ResetInCall,
    /// Nobody has written which cloud the room belongs to.
    NoCloud,
    /// What somebody has written of that cannot be read.
    CloudMistaken,
}

/// What the person did, and what the panel was asked for. A digit prints as nothing: it may be one of a PIN.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tap", rename_all = "snake_case")]
pub enum Tap {
    /// The other language.
    Language(LanguageTap),
    /// Opened the number pad.
    JoinWithNumber,
    /// Chose a meeting room from the directory.
    Choose {
        /// Which.
        number: VmrNumber,
    },
    /// A digit on the number or PIN pad, 0 to 9.
    Digit {
        /// Which.
        digit: u8,
    },
    /// Deleted the last digit.
    Delete,
    /// *Join* on a pad.
    Join,
    /// Back from a pad, or cancel while connecting.
    Back,
    /// Microphone on or off.
    Microphone,
    /// Camera on or off.
    Camera,
    /// The loudspeaker louder or softer by one step.
    Volume {
        /// `true` for louder.
        louder: bool,
    },
    /// The other layout.
    Layout,
    /// Opened or closed the list of participants.
    People,
    /// Left the meeting, or does not want to wait for it any more.
    Leave,
    /// Let in somebody who waits.
    LetIn {
        /// Whom.
        participant: ParticipantId,
    },
    /// Turned away somebody who waits.
    TurnAway {
        /// Whom.
        participant: ParticipantId,
    },
    /// Let in everybody whom the panel shows as waiting.
    LetAllIn,
    /// Tapped the notice away.
    Dismiss,
    /// Touched the panel while it was asleep.
    Wake,
    /// Wants the room reset.
    Reset,
    /// Said yes to the reset's last question.
    Erase,
    /// Has read the receipt.
    Restart,
    /// Said yes to the update on the stick.
    Install,
    /// Nobody's finger: a piece of the picture that [`Look::Picture`] wants.
    Picture(PicturePiece),
    /// Nobody's finger: there is no picture, or it is too long.
    NoPicture {
        /// Which one was wanted.
        number: u32,
    },
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tap::Language(tap) => f.debug_tuple("Language").field(&tap.language).finish(),
            Tap::Choose { number } => f.debug_struct("Choose").field("number", number).finish(),
            Tap::Volume { louder } => f.debug_struct("Volume").field("louder", louder).finish(),
            Tap::LetIn { participant } => {
                f.debug_struct("LetIn").field("participant", participant).finish()
            }
            Tap::TurnAway { participant } => {
                f.debug_struct("TurnAway").field("participant", participant).finish()
            }
            Tap::LetAllIn => f.write_str("LetAllIn"),
            Tap::Digit { .. } => f.write_str("Digit"),
            Tap::JoinWithNumber => f.write_str("JoinWithNumber"),
            Tap::Delete => f.write_str("Delete"),
            Tap::Join => f.write_str("Join"),
            Tap::Back => f.write_str("Back"),
            Tap::Microphone => f.write_str("Microphone"),
            Tap::Camera => f.write_str("Camera"),
            Tap::Layout => f.write_str("Layout"),
            Tap::People => f.write_str("People"),
            Tap::Leave => f.write_str("Leave"),
            Tap::Dismiss => f.write_str("Dismiss"),
            Tap::Wake => f.write_str("Wake"),
            Tap::Reset => f.write_str("Reset"),
            Tap::Erase => f.write_str("Erase"),
            Tap::Restart => f.write_str("Restart"),
            Tap::Install => f.write_str("Install"),
            Tap::Picture(piece) => f.debug_tuple("Picture").field(piece).finish(),
            Tap::NoPicture { number } => {
                f.debug_struct("NoPicture").field("number", number).finish()
            }
        }
    }
}

/// The body of [`Tap::Language`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanguageTap {
    /// The language to speak from now on.
    pub language: Language,
}
