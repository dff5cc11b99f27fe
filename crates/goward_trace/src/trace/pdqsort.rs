//! The sorting algorithm of Go's `slices.SortFunc`, step for step.
//!
//! It is unstable, so where two threads have events at the same time, the order in which Go's
//! reader tries them depends on the algorithm itself. To give the same order of events, this file
//! follows `$GOROOT/src/slices/zsortanyfunc.go` in each comparison and each swap.

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

/// Sorts by `key`, in the order that Go's `slices.SortFunc` would give.
pub(crate) fn sort_by_key<T: Copy>(data: &mut [T], key: impl Fn(&T) -> i64) {
    let length = data.len();
    let limit = usize::BITS - length.leading_zeros();
    sort(data, 0, length, limit, &|one, other| key(one) < key(other));
}

fn insertion_sort<T: Copy>(data: &mut [T], a: usize, b: usize, less: &impl Fn(&T, &T) -> bool) {
    for i in a + 1..b {
        let mut j = i;
        while j > a && less(&data[j], &data[j - 1]) {
            data.swap(j, j - 1);
            j -= 1;
        }
    }
}

fn sift_down<T: Copy>(
    data: &mut [T],
    low: usize,
    high: usize,
    first: usize,
    less: &impl Fn(&T, &T) -> bool,
) {
    let mut root = low;
    loop {
        let mut child = 2 * root + 1;
        if child >= high {
            return;
        }
        if child + 1 < high && less(&data[first + child], &data[first + child + 1]) {
            child += 1;
        }
        if !less(&data[first + root], &data[first + child]) {
            return;
        }
        data.swap(first + root, first + child);
        root = child;
    }
}

fn heap_sort<T: Copy>(data: &mut [T], a: usize, b: usize, less: &impl Fn(&T, &T) -> bool) {
    let high = b - a;
    for i in (0..=(high - 1) / 2).rev() {
        sift_down(data, i, high, a, less);
    }
    for i in (0..high).rev() {
        data.swap(a, a + i);
        sift_down(data, 0, i, a, less);
    }
}

fn sort<T: Copy>(
    data: &mut [T],
    mut a: usize,
    mut b: usize,
    mut limit: u32,
    less: &impl Fn(&T, &T) -> bool,
) {
    let mut was_balanced = true;
    let mut was_partitioned = true;
    loop {
        let length = b - a;
        if length <= 12 {
            insertion_sort(data, a, b, less);
            return;
        }
        if limit == 0 {
            heap_sort(data, a, b, less);
            return;
        }
        if !was_balanced {
            break_patterns(data, a, b);
            limit -= 1;
        }
        let (mut pivot, mut hint) = choose_pivot(data, a, b, less);
        if hint == Hint::Decreasing {
            data[a..b].reverse();
            pivot = (b - 1) - (pivot - a);
            hint = Hint::Increasing;
        }
        if was_balanced
            && was_partitioned
            && hint == Hint::Increasing
            && partial_insertion_sort(data, a, b, less)
        {
            return;
        }
        if a > 0 && !less(&data[a - 1], &data[pivot]) {
            a = partition_equal(data, a, b, pivot, less);
            continue;
        }
        let (middle, already_partitioned) = partition(data, a, b, pivot, less);
        was_partitioned = already_partitioned;
        let (left, right) = (middle - a, b - middle);
        let threshold = length / 8;
        if left < right {
            was_balanced = left >= threshold;
            sort(data, a, middle, limit, less);
            a = middle + 1;
        } else {
            was_balanced = right >= threshold;
            sort(data, middle + 1, b, limit, less);
            b = middle;
        }
    }
}

fn partition<T: Copy>(
    data: &mut [T],
    a: usize,
    b: usize,
    pivot: usize,
    less: &impl Fn(&T, &T) -> bool,
) -> (usize, bool) {
    data.swap(a, pivot);
    let (mut i, mut j) = (a + 1, b - 1);
    while i <= j && less(&data[i], &data[a]) {
        i += 1;
    }
    while i <= j && !less(&data[j], &data[a]) {
        j -= 1;
    }
    if i > j {
        data.swap(j, a);
        return (j, true);
    }
    data.swap(i, j);
    i += 1;
    j -= 1;
    loop {
        while i <= j && less(&data[i], &data[a]) {
            i += 1;
        }
        while i <= j && !less(&data[j], &data[a]) {
            j -= 1;
        }
        if i > j {
            break;
        }
        data.swap(i, j);
        i += 1;
        j -= 1;
    }
    data.swap(j, a);
    (j, false)
}

fn partition_equal<T: Copy>(
    data: &mut [T],
    a: usize,
    b: usize,
    pivot: usize,
    less: &impl Fn(&T, &T) -> bool,
) -> usize {
    data.swap(a, pivot);
    let (mut i, mut j) = (a + 1, b - 1);
    loop {
        while i <= j && !less(&data[a], &data[i]) {
            i += 1;
        }
        while i <= j && less(&data[a], &data[j]) {
            j -= 1;
        }
        if i > j {
            return i;
        }
        data.swap(i, j);
        i += 1;
        j -= 1;
    }
}

fn partial_insertion_sort<T: Copy>(
    data: &mut [T],
    a: usize,
    b: usize,
    less: &impl Fn(&T, &T) -> bool,
) -> bool {
    let mut i = a + 1;
    for _ in 0..5 {
        while i < b && !less(&data[i], &data[i - 1]) {
            i += 1;
        }
        if i == b {
            return true;
        }
        if b - a < 50 {
            return false;
        }
        data.swap(i, i - 1);
        if i - a >= 2 {
            // Go walks down to index 1 of the whole slice, not to `a`.
            let mut j = i - 1;
            while j >= 1 && less(&data[j], &data[j - 1]) {
                data.swap(j, j - 1);
                j -= 1;
            }
        }
        if b - i >= 2 {
            let mut j = i + 1;
            while j < b && less(&data[j], &data[j - 1]) {
                data.swap(j, j - 1);
                j += 1;
            }
        }
    }
    false
}

fn break_patterns<T: Copy>(data: &mut [T], a: usize, b: usize) {
    let length = b - a;
    if length < 8 {
        return;
    }
    let mut random = length as u64;
    let modulus = 1usize << (usize::BITS - length.leading_zeros());
    let middle = a + (length / 4) * 2;
    for index in middle - 1..=middle + 1 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut other = random as usize & (modulus - 1);
        if other >= length {
            other -= length;
        }
        data.swap(index, a + other);
    }
}

fn choose_pivot<T: Copy>(
    data: &[T],
    a: usize,
    b: usize,
    less: &impl Fn(&T, &T) -> bool,
) -> (usize, Hint) {
    let length = b - a;
    let mut swaps = 0;
    let (mut i, mut j, mut k) = (a + length / 4, a + length / 4 * 2, a + length / 4 * 3);
    if length >= 8 {
        if length >= 50 {
            i = median(data, i - 1, i, i + 1, &mut swaps, less);
            j = median(data, j - 1, j, j + 1, &mut swaps, less);
            k = median(data, k - 1, k, k + 1, &mut swaps, less);
        }
        j = median(data, i, j, k, &mut swaps, less);
    }
    match swaps {
        0 => (j, Hint::Increasing),
        12 => (j, Hint::Decreasing),
        _ => (j, Hint::Unknown),
    }
}

fn median<T: Copy>(
    data: &[T],
    a: usize,
    b: usize,
    c: usize,
    swaps: &mut u32,
    less: &impl Fn(&T, &T) -> bool,
) -> usize {
    let mut order = |one: usize, other: usize| {
        if less(&data[other], &data[one]) {
            *swaps += 1;
            (other, one)
        } else {
            (one, other)
        }
    };
    let (a, b) = order(a, b);
    let (b, _) = order(b, c);
    let (_, b) = order(a, b);
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_every_pattern() {
        for length in [0usize, 1, 2, 12, 13, 49, 50, 51, 200, 1000] {
            for pattern in 0..5u64 {
                let mut random = 88_172_645_463_325_252u64.wrapping_add(pattern);
                let mut data: Vec<(i64, usize)> = (0..length)
                    .map(|index| {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        let key = match pattern {
                            0 => index as i64,
                            1 => -(index as i64),
                            2 => (random % 7) as i64,
                            3 => random as i64,
                            _ => (index % 16) as i64,
                        };
                        (key, index)
                    })
                    .collect();
                let mut expected: Vec<i64> = data.iter().map(|entry| entry.0).collect();
                expected.sort_unstable();
                sort_by_key(&mut data, |entry| entry.0);
                assert_eq!(
                    data.iter().map(|entry| entry.0).collect::<Vec<_>>(),
                    expected
                );
                let mut indexes: Vec<usize> = data.iter().map(|entry| entry.1).collect();
                indexes.sort_unstable();
                assert_eq!(indexes, (0..length).collect::<Vec<_>>());
            }
        }
    }
}
