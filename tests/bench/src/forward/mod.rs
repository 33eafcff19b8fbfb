//! The media node beside rtpengine, Janus and a bare loop.

mod bare;
mod ceiling;
mod growth;
mod janus;
mod load;
mod node;
mod peers;
mod rtpengine;
mod system;

use crate::Effort;
use crate::machine::Watch;
use crate::table::Part;
use anyhow::Result;
use load::Outcome;

/// Packets of one frame: what our encoder's 2.5 Mbit/s at 30 pictures in a second come to (10,417
/// octets, of which a packet carries 1,138).
const BURST: usize = 10;

/// Serves as a child process when this program was started as one.
pub(crate) fn as_child() -> Option<Result<()>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (role, rest) = arguments.split_first()?;
    match role.as_str() {
        node::ROLE => Some(node::serve(rest)),
        bare::ROLE => Some(bare::serve(rest)),
        _ => None,
    }
}

/// Measures it.
pub(crate) fn measure(effort: Effort) -> Result<Part> {
    let watch = Watch::begin();
    let (mut rows, loads) = peers::rows(effort)?;
    let (ceilings, bursts) = ceiling::rows(effort)?;
    rows.extend(ceilings);
    let (steps, growth) = growth::plots(effort)?;
    rows.push(steps);
    let plots = [growth, vec![bursts]].concat();
    Ok(Part {
        name: "forward".into(),
        title: "Forwarding".into(),
        machine: watch.end(),
        rows,
        plots,
        method: format!("{METHOD}\n\n{loads}"),
    })
}

/// Says how a run went, while it is measured.
fn show(name: &str, receivers: usize, outcome: &Outcome) {
    eprintln!(
        "  {name}, {receivers} receivers: {:.0} packets/s in, {:.1} % delivered, {:.0} % of a core, \
         {:.1} in a burst, {:.0} forwarded per CPU-second",
        outcome.offered,
        100.0 * outcome.delivered,
        100.0 * outcome.busy(),
        outcome.group,
        outcome.per_second()
    );
}

const METHOD: &str = "\
One sender, one forwarder in a process of its own, receivers with a key each, all on one machine over \
loopback. A datagram has 1200 octets. The sender sends frames: 10 packets in one call, which is what a \
picture of our encoder comes to (720p, 30 in a second, 2.5 Mbit/s, packets of 1150 octets: 9.2 on \
average). A room sends a picture's packets one behind the other and does not pace within a picture; the \
node forwards whatever one reading of a socket finds as one burst to each receiver and waits for nothing, so \
the sender's bursts stay bursts and grow when the node is busy. Processor time is user and system time \
of the forwarder from /proc; a run counts when at least 95 % was delivered. The highest load is \
searched with short runs, each on a fresh process, and then held. The first receiver opens every packet and \
compares it with what was sent; the others count. Nobody waits at the sockets of the receivers, so no \
forwarder pays for waking them; they take merged datagrams (UDP_GRO), as a network card would.

rtpengine runs without its kernel module (`--table=-1`) with SRTP of the same suite on both sides; it would \
hand the sender's key on and pass packets through unopened, so the sender changes its key after each \
subscription. Janus takes plain RTP from a remote publisher and forwards with SRTP, for which it knows \
CM-SHA1-80 alone: the same figure stands in the rows of both suites, and it opens nothing on the way in, \
which is less work than ours. Ours answers and sends RTCP besides, repairs loss and ranks voices, which the \
others do not. Its limit of packets per leg is lifted, because one leg here sends for many.

The bare loop seals with ring (AES-128-GCM, one key per receiver) and sends with GSO from one socket per \
receiver, what is due after a pause of 4 ms each; the second one also receives the burst \
it sends on and is woken up by it. Neither opens, looks at, renumbers or keeps anything.";
