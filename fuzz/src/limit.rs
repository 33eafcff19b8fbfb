//! No allocation may be large: outside octets that ask for much memory are a finding.
//!
//! The allocator of everything that links this crate, the tests included. libFuzzer has such a
//! limit only beside the address sanitizer.

use std::alloc::{GlobalAlloc, Layout, System};

/// Octets that one allocation may have. The longest that outside octets may cause is the panel's
/// frame, a quarter of a megabyte; the rest is room for the test harness.
pub const LARGEST: usize = 16 << 20;

/// The system's allocator with a limit.
struct Limited;

#[global_allocator]
static ALLOCATOR: Limited = Limited;

/// Ends the process; the fuzzer keeps the input, as with any other abort. Nothing here allocates.
fn judge(octets: usize) {
    if octets > LARGEST {
        eprintln!("an allocation of {octets} octets, where {LARGEST} are the most");
        std::process::abort();
    }
}

// SAFETY: every call is handed to the system's allocator unchanged, or ends the process.
#[expect(unsafe_code, reason = "an allocator is unsafe by its trait; this one only hands on")]
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        judge(layout.size());
        // SAFETY: the caller keeps GlobalAlloc's promises, and they are System's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, octets: *mut u8, layout: Layout) {
        // SAFETY: as above; `octets` came from System with this layout.
        unsafe { System.dealloc(octets, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        judge(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, octets: *mut u8, layout: Layout, length: usize) -> *mut u8 {
        judge(length);
        // SAFETY: as above; `octets` came from System with this layout.
        unsafe { System.realloc(octets, layout, length) }
    }
}
