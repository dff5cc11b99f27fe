//! How sure a measured rate is.

use serde::{Deserialize, Serialize};

/// A rate of some of a number of runs, with the interval that holds the true rate in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rate {
    /// How many runs it happened in.
    pub(crate) count: u32,
    /// How many runs there were.
    pub(crate) times: u32,
    /// `count / times`, from 0 to 1.
    pub(crate) rate: f64,
    /// Lower end of the 95 % Wilson score interval.
    pub(crate) low: f64,
    /// Upper end of the 95 % Wilson score interval.
    pub(crate) high: f64,
}

impl Rate {
    pub(crate) fn new(count: u32, times: u32) -> Self {
        let (low, high) = wilson(count, times, 1.96);
        let rate = if times == 0 {
            0.0
        } else {
            f64::from(count) / f64::from(times)
        };
        Self {
            count,
            times,
            rate: round(rate),
            low: round(low),
            high: round(high),
        }
    }

    /// Whether two measurements cannot well be of the same rate: their 99.9 % intervals are disjoint.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        let (low, high) = wilson(self.count, self.times, 3.29);
        let (other_low, other_high) = wilson(other.count, other.times, 3.29);
        high < other_low || other_high < low
    }

    /// Whether one says that it happens nearly always and the other that it hardly ever does. How
    /// often a race is noticed depends on the machine and on what else it does; whether it is a matter
    /// of chance does not.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        let opposite = |a: &Self, b: &Self| a.low > 0.8 && b.high < 0.2;
        opposite(self, other) || opposite(other, self)
    }

    /// Such as `57 % (43–70)`.
    pub(crate) fn percent(&self) -> String {
        let percent = |x: f64| {
            let x = x * 100.0;
            if (x - x.round()).abs() < 0.05 || x >= 99.95 {
                format!("{x:.0}")
            } else {
                format!("{x:.1}")
            }
        };
        format!(
            "{} % ({}–{})",
            percent(self.rate),
            percent(self.low),
            percent(self.high)
        )
    }
}

fn round(x: f64) -> f64 {
    (x * 10_000.0).round() / 10_000.0
}

/// The Wilson score interval of a proportion (E. B. Wilson, 1927); `z` is the normal quantile. It is
/// of use at rates of 0 and 1 too, where the textbook interval has no width.
fn wilson(count: u32, times: u32, z: f64) -> (f64, f64) {
    if times == 0 {
        return (0.0, 1.0);
    }
    let n = f64::from(times);
    let p = f64::from(count) / n;
    let denominator = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / denominator;
    let half = z / denominator * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference values of R: `prop.test(x, n, correct = FALSE)$conf.int`.
    #[test]
    fn intervals() {
        for (count, times, low, high) in [
            (0, 20, 0.0, 0.1611),
            (20, 20, 0.8389, 1.0),
            (5, 20, 0.1119, 0.4687),
            (114, 200, 0.5007, 0.6367),
        ] {
            let rate = Rate::new(count, times);
            assert!(
                (rate.low - low).abs() < 2e-3 && (rate.high - high).abs() < 2e-3,
                "{rate:?}"
            );
        }
        assert_eq!((Rate::new(0, 0).low, Rate::new(0, 0).high), (0.0, 1.0));
    }

    #[test]
    fn differences() {
        assert!(Rate::new(0, 100).differs(&Rate::new(60, 100)));
        assert!(!Rate::new(50, 100).differs(&Rate::new(60, 100)));
        assert!(!Rate::new(0, 0).differs(&Rate::new(100, 100)));
    }

    #[test]
    fn contradictions() {
        assert!(Rate::new(0, 60).contradicts(&Rate::new(60, 60)));
        assert!(Rate::new(40, 40).contradicts(&Rate::new(1, 60)));
        assert!(!Rate::new(39, 60).contradicts(&Rate::new(4, 40)));
        assert!(!Rate::new(0, 0).contradicts(&Rate::new(100, 100)));
        // Too few runs to tell.
        assert!(!Rate::new(0, 3).contradicts(&Rate::new(3, 3)));
    }

    #[test]
    fn text() {
        assert_eq!(Rate::new(20, 20).percent(), "100 % (83.9–100)");
        assert_eq!(Rate::new(1, 200).percent(), "0.5 % (0.1–2.8)");
    }
}
