//! Trends that a single odd value does not sway.
//!
//! The slope is the median of the slopes between all pairs (Theil–Sen), the confidence that of the
//! Mann–Kendall test: how unlikely so many rising pairs are if the order were chance. For up to
//! 40 values the probability is counted exactly, beyond that by the normal approximation.

/// How a series develops.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Trend {
    /// Change per unit of time (seconds where the sources have times, else per snapshot).
    pub slope: f64,
    /// From 0 to 1: how sure it is that the series rises. Below 0.5 it falls or stays.
    pub confidence: f64,
    /// The level at the start: the median of the first third.
    pub first_level: f64,
    /// The level at the end: the median of the last third.
    pub last_level: f64,
    /// How much of what was gained was lost again: the sum of all falls over that of all rises.
    /// What leaks does not come back; what follows the load does. 0 if it never falls.
    pub lost: f64,
    /// How much of the gain came in the second half: about 0.5 for what rises evenly, 0 for what has
    /// reached its level. 0.5 with fewer than four values.
    pub late: f64,
    /// Whether even the lowest values rise, from quarter to quarter: what leaks under a load that comes
    /// and goes does so. `false` with fewer than twelve values.
    pub floor_rises: bool,
    /// The slowest rise from one value to the next, as a share of the rise over all: 1 for what rises
    /// evenly, 0 or less for what once stays or falls.
    pub evenness: f64,
}

/// Pairs beyond this many values are not all compared: the series is thinned.
const MOST_VALUES: usize = 400;

impl Trend {
    /// The trend of values at rising times.
    pub fn of(times: &[f64], values: &[f64]) -> Trend {
        let step = values.len().div_ceil(MOST_VALUES).max(1);
        let thin = |series: &[f64]| -> Vec<f64> { series.iter().copied().step_by(step).collect() };
        let (times, values) = (thin(times), thin(values));
        let count = values.len();
        if count < 2 {
            let level = values.first().copied().unwrap_or(0.0);
            return Trend {
                first_level: level,
                last_level: level,
                ..Trend::default()
            };
        }
        let (mut slopes, mut score, mut ties) = (Vec::new(), 0i64, false);
        for later in 1..count {
            for earlier in 0..later {
                let change = values[later] - values[earlier];
                let span = times[later] - times[earlier];
                if span > 0.0 {
                    slopes.push(change / span);
                }
                score += i64::from(change > 0.0) - i64::from(change < 0.0);
                ties |= change == 0.0;
            }
        }
        let third = count.div_ceil(3);
        let (mut rises, mut falls) = (0.0, 0.0);
        for pair in values.windows(2) {
            rises += (pair[1] - pair[0]).max(0.0);
            falls += (pair[0] - pair[1]).max(0.0);
        }
        let first_level = median(&mut values[..third].to_vec());
        let last_level = median(&mut values[count - third..].to_vec());
        Trend {
            late: late_share(&values, last_level - first_level),
            evenness: evenness(&times, &values),
            floor_rises: floor_rises(&values, last_level - first_level),
            lost: if rises > 0.0 { falls / rises } else { 0.0 },
            slope: median(&mut slopes),
            confidence: confidence(score, count, ties),
            first_level,
            last_level,
        }
    }
}

/// The share of the second half in a gain.
fn late_share(values: &[f64], gain: f64) -> f64 {
    let half = &values[values.len() / 2..];
    if values.len() < 4 || gain <= 0.0 {
        return 0.5;
    }
    let third = (half.len() / 3).max(1);
    let from = median(&mut half[..third].to_vec());
    let to = median(&mut half[half.len() - third..].to_vec());
    (to - from) / gain
}

/// The least of the slopes between neighbours, as a share of the slope between the ends.
fn evenness(times: &[f64], values: &[f64]) -> f64 {
    let slope = |from: usize, to: usize| (values[to] - values[from]) / (times[to] - times[from]);
    let all = slope(0, values.len() - 1);
    let least = (1..values.len())
        .map(|at| slope(at - 1, at))
        .fold(f64::INFINITY, f64::min);
    // Two at the same time say nothing.
    let share = least / all;
    if share.is_finite() { share } else { 0.0 }
}

/// Whether the lowest value of each quarter lies above that of the one before, by a tenth of the gain.
fn floor_rises(values: &[f64], gain: f64) -> bool {
    if values.len() < 12 {
        return false;
    }
    let lowest = |quarter: usize| {
        let at = |quarter: usize| quarter * values.len() / 4;
        values[at(quarter)..at(quarter + 1)]
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min)
    };
    (1..4).all(|quarter| lowest(quarter) - lowest(quarter - 1) >= gain * 0.1)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

/// 1 − P(S ≥ score) for values in random order.
fn confidence(score: i64, count: usize, ties: bool) -> f64 {
    if score <= 0 {
        return 0.0;
    }
    let pairs = i64::try_from(count * (count - 1) / 2).unwrap_or(i64::MAX);
    if count <= 40 && !ties {
        // The number of orders with a given number of inversions (Mahonian numbers), as shares.
        let mut shares = vec![1.0f64];
        for length in 2..=count {
            let mut next = vec![0.0; shares.len() + length - 1];
            for (inversions, share) in shares.iter().enumerate() {
                for more in 0..length {
                    next[inversions + more] += share / length as f64;
                }
            }
            shares = next;
        }
        let most = usize::try_from((pairs - score) / 2).unwrap_or(0);
        return 1.0 - shares[..=most].iter().sum::<f64>();
    }
    let n = count as f64;
    let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    1.0 - upper_tail((score as f64 - 1.0) / deviation)
}

/// P(Z ≥ z) of the normal distribution (Abramowitz and Stegun 26.2.17, error below 1e-7).
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let tail = density
        * t
        * (0.319_381_53
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    if z >= 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Trend {
        let times: Vec<f64> = (0..values.len()).map(|number| number as f64).collect();
        Trend::of(&times, values)
    }

    #[test]
    fn exact_confidence() {
        // Of the 3! orders of three values one rises throughout, of 4! one.
        assert!((of(&[1.0, 2.0, 3.0]).confidence - 5.0 / 6.0).abs() < 1e-12);
        assert!((of(&[1.0, 2.0, 3.0, 4.0]).confidence - 23.0 / 24.0).abs() < 1e-12);
        assert_eq!(of(&[3.0, 2.0, 1.0]).confidence, 0.0);
        assert_eq!(of(&[5.0, 5.0, 5.0]).confidence, 0.0);
    }

    #[test]
    fn one_odd_value_does_not_sway_the_slope() {
        let trend = of(&[0.0, 1.0, 2.0, 900.0, 4.0, 5.0, 6.0]);
        assert!((trend.slope - 1.0).abs() < 0.5, "{trend:?}");
        assert_eq!(of(&[]), Trend::default());
    }

    #[test]
    fn what_has_reached_its_level_does_not_rise_late() {
        let plateau = [0.0, 10.0, 30.0, 50.0, 50.0, 50.0, 50.0, 50.0];
        assert!(of(&plateau).late.abs() < 1e-12);
        let even: Vec<f64> = (0..12).map(f64::from).collect();
        assert!(of(&even).late > 0.4);
    }

    #[test]
    fn evenness_is_that_of_rates() {
        assert_eq!(of(&[10.0, 20.0, 30.0]).evenness, 1.0);
        assert!(of(&[21.0, 22.0, 33.0]).evenness < 0.2);
        let trend = Trend::of(&[0.0, 1.0, 60.0], &[10.0, 11.0, 70.0]);
        assert_eq!(trend.evenness, 1.0);
        assert_eq!(of(&[5.0, 5.0]).evenness, 0.0);
    }

    #[test]
    fn the_floor_rises_under_a_load_that_comes_and_goes() {
        let load = |n: u32| f64::from((n % 6).min(6 - n % 6)) * 10.0;
        let leak: Vec<f64> = (0..48).map(|n| load(n) + 2.0 * f64::from(n)).collect();
        let none: Vec<f64> = (0..48).map(load).collect();
        assert!(of(&leak).floor_rises && !of(&none).floor_rises);
    }

    #[test]
    fn the_approximation_meets_the_exact_value() {
        let values: Vec<f64> = (0..41)
            .map(|number| f64::from((number * 7) % 41) + f64::from(number))
            .collect();
        let long = of(&values).confidence;
        let short = of(&values[..40]).confidence;
        assert!((long - short).abs() < 0.05, "{long} {short}");
    }
}
