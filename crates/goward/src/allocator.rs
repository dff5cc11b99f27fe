//! How the allocator of the C library gives memory back.
//!
//! glibc raises the size from which a piece of memory is given back by itself whenever such a piece
//! is freed, up to 32 MB, and with it what it keeps at the end of its heaps. A check frees one large
//! table after the other, so in the end half of what it once took stayed with it. Fixed limits turn
//! that off.

/// From this size on a piece of memory is asked of the kernel and given back to it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING: i32 = 128 << 10;

/// What is free at the end of a heap beyond this is given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_AT_END: i32 = 256 << 10;

/// Makes the allocator give back what it no longer needs. It costs trips to the kernel: for work that
/// frees much and goes on.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "the C library has no other way to set this than a function that Rust cannot check; \
              it takes two numbers, touches no memory of ours and refuses what it does not know"
)]
pub(crate) fn give_back_early() {
    // SAFETY: see above; it may be called at any time, also by several threads.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_AT_END);
    }
}

/// Gives back what is free between pieces that stay. It looks at every free piece of memory, for some
/// milliseconds: for after something large.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "as above; it touches only memory that nobody has asked for"
)]
pub(crate) fn give_back() {
    // SAFETY: it takes the allocator's own locks, and may be called at any time by several threads.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators have no such limits.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back_early() {}

/// Other allocators do it by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
