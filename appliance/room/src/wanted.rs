//! What IT wants of the room, beside what people at the panel choose.
//!
//! Language and layout are whoever's said last: a person's tap counts until IT wants something else than before. All
//! other settings are IT's alone.

use crate::media::MediaCommand;
use crate::room::{Output, Room};
use conclave_link_protocol::message::{
    RoomEvent, RoomSettings, SettingsMark, SettingsReport, WantedSettings,
};
use conclave_panel_api::Notice;
use conclave_types::{
    Brightness, CameraLimit, Dialling, MaintenanceWindow, MicrophoneLimit, Switch, Time, TimeZone,
    VmrNumber,
};

/// The document that the room follows, as far as it understands it.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    mark: Option<SettingsMark>,
    settings: RoomSettings,
    not_understood: Vec<String>,
}

/// What IT does not let people switch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Microphone,
    Camera,
}

impl Wanted {
    fn of(wanted: &WantedSettings, knows_zone: fn(&str) -> bool) -> Wanted {
        let (mut settings, mut not_understood) = RoomSettings::read(&wanted.settings);
        if settings.time_zone.take_if(|name| !knows_zone(name.as_str())).is_some() {
            not_understood.push("time_zone".to_owned());
        }
        Wanted { mark: Some(wanted.mark), settings, not_understood }
    }
}

impl Room {
    /// What was kept of [`Output::KeepWanted`]; before anything else.
    pub fn remember_wanted(&mut self, kept: &WantedSettings) {
        self.wanted = Wanted::of(kept, self.facts.knows_zone);
        self.begin_as_wanted(Time::ZERO);
    }

    /// By which clock the room goes; `None`: the machine's own.
    pub fn time_zone(&self) -> Option<&TimeZone> {
        self.wanted.settings.time_zone.as_ref()
    }

    pub(crate) fn settings_came(&mut self, now: Time, wanted: WantedSettings) {
        let new = Wanted::of(&wanted, self.facts.knows_zone);
        let before = std::mem::replace(&mut self.wanted, new).settings;
        self.want(Output::KeepWanted(Some(wanted)));
        let RoomSettings { language, layout, .. } = self.wanted.settings;
        if let Some(language) = language.filter(|_| language != before.language) {
            self.settings.language = language;
            self.want(Output::Save(self.settings));
        }
        if let Some(layout) = layout.filter(|_| layout != before.layout) {
            self.settings.layout = layout;
            self.want(Output::Media(MediaCommand::Layout(layout)));
            self.want(Output::Save(self.settings));
        }
        if self.is_up() {
            self.keep_off(now);
        } else {
            self.begin_as_wanted(now);
        }
    }

    /// What IT does not allow any more ends in the middle of a call.
    fn keep_off(&mut self, now: Time) {
        if !self.may(Kept::Microphone) && self.call.microphone() == Switch::On {
            self.set_microphone(now, Switch::Off);
        }
        if !self.may(Kept::Camera) && self.call.camera() == Switch::On {
            self.set_camera(now, Switch::Off);
        }
    }

    fn may(&self, what: Kept) -> bool {
        match what {
            Kept::Microphone => self.microphone_limit() == MicrophoneLimit::Allowed,
            Kept::Camera => self.camera_limit() != CameraLimit::Off,
        }
    }

    /// Whether somebody at the panel may switch it on; it is said when not.
    pub(crate) fn may_switch(&mut self, what: Kept, to: Switch) -> bool {
        let may = to == Switch::Off || self.may(what);
        if !may {
            self.notice = Some(match what {
                Kept::Microphone => Notice::MicrophoneNotAllowed,
                Kept::Camera => Notice::CameraNotAllowed,
            });
        }
        may
    }

    fn microphone_limit(&self) -> MicrophoneLimit {
        self.wanted.settings.microphone_limit.unwrap_or_default()
    }

    fn camera_limit(&self) -> CameraLimit {
        self.wanted.settings.camera_limit.unwrap_or_default()
    }

    /// The camera is opened anew for another size of its pictures: not in the middle of a call.
    pub(crate) fn limit_camera(&mut self) {
        let limit = self.camera_limit();
        if self.camera_limited != limit {
            self.camera_limited = limit;
            self.want(Output::Media(MediaCommand::CameraLimit(limit)));
        }
    }

    /// The room belongs to nobody any more.
    pub(crate) fn nothing_wanted(&mut self, now: Time) {
        if std::mem::take(&mut self.wanted).mark.is_some() {
            self.want(Output::KeepWanted(None));
            self.begin_as_wanted(now);
        }
    }

    pub(crate) fn microphone_at_first(&self) -> Switch {
        match self.may(Kept::Microphone) {
            true => self.wanted.settings.microphone.unwrap_or(Switch::On),
            false => Switch::Off,
        }
    }

    pub(crate) fn camera_at_first(&self) -> Switch {
        match self.may(Kept::Camera) {
            true => self.wanted.settings.camera.unwrap_or(Switch::On),
            false => Switch::Off,
        }
    }

    pub(crate) fn brightness(&self) -> Brightness {
        self.wanted.settings.brightness.unwrap_or(Brightness::FULL)
    }

    /// Whether the panel takes numbers.
    pub(crate) fn dials_numbers(&self) -> bool {
        self.dialling() == Dialling::Any
    }

    /// Whether the panel may dial it.
    pub(crate) fn dials(&self, number: &VmrNumber) -> bool {
        self.dials_numbers()
            || self.agenda.has(number)
            || self.directory.iter().any(|entry| entry.number == *number)
    }

    fn dialling(&self) -> Dialling {
        self.wanted.settings.dialling.unwrap_or_default()
    }

    /// Whether nothing is to light up by itself now.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet_hours().is_some_and(|quiet| quiet.contains(self.clock.minute()))
    }

    fn quiet_hours(&self) -> Option<MaintenanceWindow> {
        self.wanted.settings.quiet_hours
    }

    /// What the cloud is told, when it is not what it was told last on this link.
    pub(crate) fn tell_settings(&mut self) {
        let report = self.settings_report();
        if self.told.as_ref() != Some(&report) {
            self.told = Some(report.clone());
            self.want(Output::Tell(RoomEvent::Settings(report)));
        }
    }

    fn settings_report(&self) -> SettingsReport {
        let in_force = RoomSettings {
            language: Some(self.settings.language),
            time_zone: self.wanted.settings.time_zone.clone(),
            layout: Some(self.settings.layout),
            dialling: Some(self.dialling()),
            microphone: Some(self.microphone_at_first()),
            camera: Some(self.camera_at_first()),
            microphone_limit: Some(self.microphone_limit()),
            camera_limit: Some(match self.camera_limit() {
                CameraLimit::Off => CameraLimit::Off,
                // In the middle of a call its size is as it was.
                _ => self.camera_limited,
            }),
            brightness: Some(self.brightness()),
            quiet_hours: self.quiet_hours(),
        };
        SettingsReport {
            mark: self.wanted.mark,
            in_force: in_force.document(),
            not_understood: self.wanted.not_understood.clone(),
        }
    }
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
