//! How long rooms wait for their answers, watched from outside the switchboard.

use super::Histogram;
use crate::switchboard::{Input, LinkId, Output, RequestId, kind};
use conclave_types::Time;
use std::collections::BTreeMap;

/// Requests that wait, and how long those waited that have their answer.
#[derive(Debug, Default)]
pub struct RequestTimes {
    /// At most as many per link as the link's session lets through.
    waiting: BTreeMap<(LinkId, RequestId), (&'static str, Time)>,
    done: BTreeMap<&'static str, Histogram>,
}

impl RequestTimes {
    /// Sees what the switchboard is about to be told.
    pub fn told(&mut self, now: Time, input: &Input) {
        match input {
            Input::Request { link, id, request } => {
                self.waiting.insert((*link, *id), (kind(request), now));
            }
            // What was asked on it has no answer any more.
            Input::Closed { link } => {
                let of_link = (*link, RequestId(0))..=(*link, RequestId(u64::MAX));
                let gone: Vec<_> = self.waiting.range(of_link).map(|(key, _)| *key).collect();
                for key in gone {
                    self.waiting.remove(&key);
                }
            }
            _ => {}
        }
    }

    /// Sees what the switchboard wants done.
    pub fn says(&mut self, now: Time, output: &Output) {
        if let Output::Respond { link, id, .. } | Output::TellTime { link, id } = output
            && let Some((kind, asked)) = self.waiting.remove(&(*link, *id))
        {
            let waited = now.since(asked).as_secs_f64();
            self.done.entry(kind).or_insert_with(Histogram::of_seconds).observe(waited);
        }
    }

    /// The times by kind of request.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        self.done.iter().map(|(kind, histogram)| (*kind, histogram))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_link_protocol::message::{Response, RoomRequest};
    use std::time::Duration;

    #[test]
    fn a_request_is_timed_to_its_answer_and_forgotten_with_its_link() {
        let mut times = RequestTimes::default();
        let ask = |link, id| Input::Request {
            link: LinkId(link),
            id: RequestId(id),
            request: RoomRequest::RenewCertificate,
        };
        times.told(Time::ZERO, &ask(1, 1));
        times.told(Time::ZERO, &ask(2, 1));
        times.told(Time::ZERO, &Input::Closed { link: LinkId(2) });
        let later = Time::ZERO + Duration::from_millis(3);
        for link in [1, 2] {
            let (link, id) = (LinkId(link), RequestId(1));
            times.says(later, &Output::Respond { link, id, response: Response::Done });
        }
        let done: Vec<_> = times.iter().map(|(kind, h)| (kind, h.count())).collect();
        assert_eq!(done, [("renew_certificate", 1)]);
        assert!(times.waiting.is_empty());
    }
}
