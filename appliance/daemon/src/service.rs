//! What systemd is told about this process: ready, still alive, stopping.
//!
//! The protocol is one datagram to the Unix socket that `NOTIFY_SOCKET` names (sd_notify(3)): a path,
//! or an abstract name behind an `@`. Without the variable nobody asked, and nothing is sent.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The way to whoever supervises this process.
pub(crate) struct Service {
    supervisor: Option<(UnixDatagram, SocketAddr)>,
}

impl Service {
    /// As the environment says.
    pub(crate) fn of_this_process() -> Service {
        Service::told_at(std::env::var_os("NOTIFY_SOCKET"))
    }

    fn told_at(name: Option<OsString>) -> Service {
        let supervisor = name.and_then(|name| {
            let address = match name.as_bytes().strip_prefix(b"@") {
                Some(name) => SocketAddr::from_abstract_name(name),
                None => SocketAddr::from_pathname(&name),
            };
            let socket = UnixDatagram::unbound();
            match address.and_then(|address| Ok((socket?, address))) {
                Ok(supervisor) => Some(supervisor),
                Err(error) => {
                    tracing::warn!(%error, "NOTIFY_SOCKET names nothing that can be told");
                    None
                }
            }
        });
        // Who supervises may be busy; the room may not wait for it.
        if let Some((socket, _)) = &supervisor {
            let _ = socket.set_nonblocking(true);
        }
        Service { supervisor }
    }

    /// It shows something and takes taps.
    pub(crate) fn is_ready(&self) {
        self.tell("READY=1");
    }

    /// It is not stuck. Twice in each watchdog's period, or it is taken for dead.
    pub(crate) fn lives(&self) {
        self.tell("WATCHDOG=1");
    }

    /// It stops because it was asked to.
    pub(crate) fn stops(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, state: &str) {
        if let Some((socket, address)) = &self.supervisor
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::debug!(%error, state, "whoever supervises this process was not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut content = [0; 64];
        let length = socket.recv(&mut content).unwrap();
        String::from_utf8(content[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_supervisor_is_told_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("conclave-notify-{}", std::process::id());
        let by_path = UnixDatagram::bind(&path).unwrap();
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&abstract_name).unwrap();
        for (socket, told_at) in [(by_path, path.into()), (by_name, format!("@{name}").into())] {
            let service = Service::told_at(Some(told_at));
            service.is_ready();
            service.lives();
            service.stops();
            let states = [heard(&socket), heard(&socket), heard(&socket)];
            assert_eq!(states, ["READY=1", "WATCHDOG=1", "STOPPING=1"]);
        }
    }

    #[test]
    fn without_a_supervisor_nothing_happens() {
        Service::told_at(None).is_ready();
        Service::told_at(Some("/nobody/there".into())).is_ready();
    }
}
