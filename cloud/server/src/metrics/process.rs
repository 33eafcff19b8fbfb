//! What the process uses, under the names that every Prometheus client gives them.

use super::Page;
use std::fs;

/// Clock ticks in a second in /proc (USER_HZ): 100 on every architecture that Debian has.
const TICKS_PER_SECOND: f64 = 100.0;

/// Writes what /proc tells; what it does not tell is left out.
pub(super) fn write(page: &mut Page) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in brackets and may hold blanks.
    let fields: Vec<f64> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().skip(1).map_while(|f| f.parse().ok()).collect())
        .unwrap_or_default();
    // proc(5) counts from 1: utime 14, stime 15, num_threads 20; the fourth is our first.
    let field = |number: usize| fields.get(number - 4).copied();
    if let (Some(user), Some(system)) = (field(14), field(15)) {
        let help = "Processor time of all threads, user and system.";
        page.counter("process_cpu_seconds_total", help, (user + system) / TICKS_PER_SECOND);
    }
    if let Some(threads) = field(20) {
        page.gauge("process_threads", "Threads.", threads);
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    if let Some(kib) = resident {
        page.gauge("process_resident_memory_bytes", "Resident memory.", kib * 1024.0);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open file descriptors.", open.count() as f64);
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let most = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    if let Some(most) = most.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok()) {
        page.gauge("process_max_fds", "The most that may be open.", most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let mut page = Page::default();
        write(&mut page);
        let text = page.into_text();
        for name in [
            "process_cpu_seconds_total",
            "process_threads",
            "process_resident_memory_bytes",
            "process_open_fds",
            "process_max_fds",
        ] {
            assert!(text.contains(&format!("\n{name} ")), "{name} in {text}");
        }
    }
}
