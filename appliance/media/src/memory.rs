//! How the C library and the kernel keep memory for this process.
//!
//! Left alone, glibc gives nearly every thread an arena of its own, and GStreamer makes dozens of
//! threads: what one frees no other uses. Two arenas cost nothing that could be measured here and
//! halve what is held. The kernel, where it is set to, backs each stack and each picture with huge
//! pages: two megabytes where a few kilobytes are used.

use nix::libc;

/// Arenas: one for each core of a small board's pair.
const ARENAS: i32 = 2;
/// Pieces from this size on are mapped and given back when freed. Fixed, because glibc otherwise
/// raises it to the largest picture ever freed and keeps all later ones: a picture of 720 lines
/// has 1.4 MB.
const MAPPED_OCTETS: i32 = 512 << 10;

/// Sets the allocator up. Called once, before the first thread is made.
pub fn keep_memory_small() {
    // SAFETY: mallopt sets parameters of the allocator under its own lock.
    #[expect(unsafe_code, reason = "glibc is asked by a C function")]
    unsafe {
        // Both answer zero where the library refuses; then it does as it always did.
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_OCTETS);
    }
    // SAFETY: sets a flag of this process; the other arguments have to be zero (prctl(2)).
    #[expect(unsafe_code, reason = "the kernel is asked by a C function")]
    unsafe {
        // An older kernel refuses; then it does as it always did.
        libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0);
    }
}

/// Gives free memory back to the system: after the start and after a call.
pub(crate) fn give_back() {
    // SAFETY: malloc_trim takes the allocator's own locks and frees only what nobody holds.
    #[expect(unsafe_code, reason = "glibc is asked by a C function")]
    unsafe {
        libc::malloc_trim(0);
    }
}
