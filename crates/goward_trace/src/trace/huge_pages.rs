//! Large pages for large lists.
//!
//! A list that grows to many megabytes is asked of the kernel page by page as it is filled, 4 KiB at a
//! time. That was a fifteenth of the time in which two threads put a trace into order, and more where a
//! whole timeline is kept. Linux hands out 2 MiB at a time where it is told that this is wanted.

/// From this size on it is of use: one large page.
const LARGE: usize = 2 << 20;

/// Makes room for more elements, as [`Vec::reserve`] does.
#[inline]
pub(crate) fn reserve<T>(list: &mut Vec<T>, more: usize) {
    if list.capacity() - list.len() < more {
        grow(list, more);
    }
}

#[cold]
fn grow<T>(list: &mut Vec<T>, more: usize) {
    let size = list.len() * size_of::<T>();
    // What has been handed out in large pages comes apart when it moves, so it should seldom have to.
    // Memory that is not written to is only a number.
    let ahead = match (LARGE / 2..16 * LARGE).contains(&size) {
        true => 3 * list.len(),
        false => 0,
    };
    list.reserve(more.max(ahead));
    let size = list.capacity() * size_of::<T>();
    if size >= LARGE {
        advise(list.as_mut_ptr().cast(), size);
    }
}

/// Tells the kernel that large pages are wanted for the pages in which a piece of memory lies: with those
/// at its ends, because a mapping in two parts cannot grow where it is.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "there is no safe way to give this advice, which changes nothing that a program can see"
)]
fn advise(start: *mut u8, size: usize) {
    const PAGE: usize = 4096;
    let before = start.addr() % PAGE;
    let size = (before + size).next_multiple_of(PAGE);
    // SAFETY: the advice leaves what is in the pages as it is, also in what others have there, and the
    // pointer is not read through. Where it is not understood, nothing happens.
    unsafe {
        libc::madvise(start.wrapping_sub(before).cast(), size, libc::MADV_HUGEPAGE);
    }
}

/// Others do so by themselves, or not at all.
#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, _size: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_grow_and_keep_what_they_have() {
        let mut list: Vec<u32> = Vec::new();
        for number in 0..3_000_000 {
            reserve(&mut list, 1);
            list.push(number);
        }
        assert!(list.iter().copied().eq(0..3_000_000));
        reserve(&mut list, 9);
        assert!(list.capacity() >= list.len() + 9);
    }
}
