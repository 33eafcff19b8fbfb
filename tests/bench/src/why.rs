//! What stands between us and a goal, for rows that do not meet theirs: said on the page below the
//! table, and only when the goal is not met. A figure belongs into the row's own remark, which is made
//! with it; here stands what was found by looking, and what was tried.

use crate::table::Row;

/// The beginning of a row's name, and what to say.
const WHY: &[(&str, &str)] = &[
    (
        "Forwarding delay p99",
        "Half of the packets are through in a fraction of a millisecond; the slowest wait for their \
         turn. What one look at the sockets finds, 128 packets at most, is sealed and sent to \
         everybody before the next look: 6,400 datagrams for 50 receivers, which take the node some \
         4 ms when it is that busy. Shorter turns are later for nobody but cost the fuller bursts that \
         the highest load lives on. And this machine has two processors: sender and receivers share \
         the other one, so that a peer which sends one by one (rtpengine) has a p99 of the same size.",
    ),
    (
        "SRTP packets forwarded in bursts of",
        "The loop seals and sends and does nothing else. Between stand what a forwarder cannot leave \
         out: being woken, reading, and opening what came (one packet for every eight that leave). The \
         last column of the loops has the first two; opening costs 0.2 µs more (see SRTP). Tried and \
         kept: sealing where the packet leaves from, one reading for several sockets, one list for all \
         receivers. Not tried: io_uring.",
    ),
    (
        "Request to answer, p50",
        "Both wait for the same loopback and the same two wake-ups; what is left of the difference is \
         smaller than that between two runs.",
    ),
    (
        "cloud's CPU for a room that links",
        "The welcome carries the list of meeting rooms, 250 at most, so it grows up to there and no \
         further. It is read off the system's clock of 10 ms over 40 rooms: a step of 0.25 ms is the \
         least that shows.",
    ),
    (
        "cloud's CPU for a join",
        "Records make the database's indexes longer while this is measured: a commit then writes pages \
         that lie further apart. Meeting rooms themselves cost a join nothing.",
    ),
    ("join to keys", "See the processor time above: two synced commits are most of a join."),
    (
        "Camera to screen",
        "Between stand the jitter buffer, which waits as long as packets were late of late, and the \
         composing of the front display, 25 times a second.",
    ),
];

/// What to say about a row that does not meet a goal.
pub(crate) fn of(row: &Row) -> Option<&'static str> {
    let missed =
        row.others.iter().any(|other| other.goal.met(row.ours, other.figure) == Some(false));
    let (_, why) = WHY.iter().find(|(name, _)| row.quantity.starts_with(name))?;
    missed.then_some(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Goal, Other};

    #[test]
    fn only_a_goal_that_is_missed_is_explained() {
        let row = |ours| Row {
            quantity: "Forwarding delay p99 of something".into(),
            ours,
            others: vec![Other { name: "peer".into(), figure: 9.0, goal: Goal::AtMost(2.0) }],
            remark: String::new(),
        };
        assert!(of(&row(2.5)).is_some());
        assert!(of(&row(1.5)).is_none());
    }
}
