//! What IT wants of the room, beside what people at the panel choose.
//!
//! Language and layout are whoever's said last: a person's tap counts until IT wants something else than before. All
//! other settings are IT's alone.

use crate::media::MediaCommand;
use crate::room::{Output, Room};
use conclave_link_protocol::message::{
    RoomEvent, RoomSettings, SettingsMark, SettingsReport, WantedSettings,
};
use conclave_types::{Brightness, Dialling, MaintenanceWindow, Switch, Time, TimeZone, VmrNumber};

/// The document that the room follows, as far as it understands it.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    mark: Option<SettingsMark>,
    settings: RoomSettings,
    not_understood: Vec<String>,
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
        if !self.is_up() {
            self.begin_as_wanted(now);
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
        self.wanted.settings.microphone.unwrap_or(Switch::On)
    }

    pub(crate) fn camera_at_first(&self) -> Switch {
        self.wanted.settings.camera.unwrap_or(Switch::On)
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
