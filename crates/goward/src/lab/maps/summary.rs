//! What the figures of a map benchmark say: means, ratios, and which map to choose.

use super::{Benchmark, Cell};

/// The mean time of each map under one mix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) mix: String,
    /// In the order of [`Benchmark::maps`]: the geometric mean over sizes, goroutines and key types of
    /// processor time per operation in nanoseconds.
    pub(crate) means: Vec<Option<f64>>,
}

impl Row {
    /// The position of the fastest map among those that `among` accepts.
    pub(crate) fn best(&self, among: impl Fn(usize) -> bool) -> Option<usize> {
        let candidates = self
            .means
            .iter()
            .enumerate()
            .filter(|(index, _)| among(*index));
        candidates
            .filter_map(|(index, mean)| mean.map(|mean| (index, mean)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(index, _)| index)
    }
}

/// One row a mix, over the cells that `keep` accepts.
pub(crate) fn rows(benchmark: &Benchmark, keep: impl Fn(&Cell) -> bool) -> Vec<Row> {
    let mut mixes: Vec<&str> = Vec::new();
    for cell in &benchmark.cells {
        if !mixes.contains(&cell.mix.as_str()) {
            mixes.push(&cell.mix);
        }
    }
    mixes
        .into_iter()
        .map(|mix| Row {
            mix: mix.to_owned(),
            means: benchmark
                .maps
                .iter()
                .map(|map| {
                    mean(
                        benchmark
                            .cells
                            .iter()
                            .filter(|cell| cell.map == *map && cell.mix == mix && keep(cell))
                            .map(|cell| cell.cpu_ns_per_operation),
                    )
                })
                .collect(),
        })
        .collect()
}

/// The geometric mean; `None` of nothing.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        // A figure of 0 means below the resolution of the clock.
        sum += value.max(0.01).ln();
        count += 1.0;
    }
    (count > 0.0).then(|| (sum / count).exp())
}

/// How much longer one map takes than another in the same cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) what: String,
    /// Geometric mean over the cells.
    pub(crate) mean: f64,
    /// The cell with the largest ratio, and that ratio.
    pub(crate) worst: f64,
    pub(crate) worst_cell: String,
    /// The largest mean that the project aims at.
    pub(crate) goal: f64,
}

/// The ratios that the project has goals for.
pub(crate) fn ratios(benchmark: &Benchmark) -> Vec<Ratio> {
    let mut found = Vec::new();
    let mut add = |what: String, map: &str, peer: &str, goal: f64, keep: &dyn Fn(&Cell) -> bool| {
        if let Some(ratio) = ratio(benchmark, what, map, peer, goal, keep) {
            found.push(ratio);
        }
    };
    add(
        "safemap.RW / map+RWMutex".into(),
        "safemap.RW",
        "map+RWMutex",
        1.05,
        &|_| true,
    );
    add(
        "safemap.Sync / sync.Map".into(),
        "safemap.Sync",
        "sync.Map",
        1.05,
        &|_| true,
    );
    for mix in super::MIXES {
        let what = format!("safemap.Sharded / orcaman/concurrent-map, {mix}");
        add(
            what,
            "safemap.Sharded",
            "orcaman/concurrent-map",
            1.0,
            &|cell| cell.mix == mix,
        );
    }
    add(
        "safemap.Sharded / xsync.Map, 90 % reads and more".into(),
        "safemap.Sharded",
        "xsync.Map",
        1.5,
        &|cell| cell.loads_percent >= 90,
    );
    found
}

fn ratio(
    benchmark: &Benchmark,
    what: String,
    map: &str,
    peer: &str,
    goal: f64,
    keep: &dyn Fn(&Cell) -> bool,
) -> Option<Ratio> {
    let mut ratios = Vec::new();
    for cell in benchmark
        .cells
        .iter()
        .filter(|cell| cell.map == map && keep(cell))
    {
        let other = benchmark.cells.iter().find(|other| {
            other.map == peer
                && other.mix == cell.mix
                && other.key == cell.key
                && other.size == cell.size
                && other.goroutines == cell.goroutines
        });
        if let Some(other) = other.filter(|other| other.cpu_ns_per_operation > 0.0) {
            let name = format!(
                "{}, {} keys, {} entries, {} goroutines",
                cell.mix, cell.key, cell.size, cell.goroutines
            );
            ratios.push((cell.cpu_ns_per_operation / other.cpu_ns_per_operation, name));
        }
    }
    let mean = mean(ratios.iter().map(|(ratio, _)| *ratio))?;
    let (worst, worst_cell) = ratios.into_iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(Ratio {
        what,
        mean,
        worst,
        worst_cell,
        goal,
    })
}

/// A load that a reader may have, and the cells that are like it.
type Situation = (&'static str, fn(&Cell) -> bool);

/// What to choose, one sentence a situation, each with the figures it rests on.
pub(crate) fn recommendations(benchmark: &Benchmark) -> Vec<String> {
    let mut sentences = Vec::new();
    let situations: [Situation; 4] = [
        ("Nearly only reads (99 % and more)", |cell| {
            cell.loads_percent >= 99
        }),
        ("Mostly reads (90 %)", |cell| cell.loads_percent == 90),
        ("Reads and writes mixed (50 %)", |cell| {
            cell.loads_percent == 50
        }),
        ("Only writes", |cell| cell.loads_percent == 0),
    ];
    for (situation, fits) in situations {
        for (who, one) in [("one goroutine", true), ("several goroutines", false)] {
            let means: Vec<(usize, f64)> = benchmark
                .maps
                .iter()
                .enumerate()
                .filter_map(|(index, map)| {
                    let cells = benchmark.cells.iter().filter(|cell| {
                        cell.map == *map && fits(cell) && (cell.goroutines == 1) == one
                    });
                    mean(cells.map(|cell| cell.cpu_ns_per_operation)).map(|mean| (index, mean))
                })
                .collect();
            let fastest = |own: bool| {
                means
                    .iter()
                    .filter(|(index, _)| !own || benchmark.maps[*index].starts_with("safemap."))
                    .min_by(|a, b| a.1.total_cmp(&b.1))
            };
            let (Some(best), Some(own)) = (fastest(false), fastest(true)) else {
                continue;
            };
            let name =
                |(index, mean): &(usize, f64)| format!("{} ({mean:.1} ns)", benchmark.maps[*index]);
            let mut sentence = format!("{situation}, {who}: {}", name(own));
            if best.0 != own.0 {
                sentence.push_str(&format!(
                    "; of all maps measured {} is the fastest",
                    name(best)
                ));
            }
            sentence.push('.');
            sentences.push(sentence);
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(map: &str, mix: &str, loads: u32, goroutines: u32, ns: f64) -> Cell {
        Cell {
            map: map.into(),
            mix: mix.into(),
            loads_percent: loads,
            stores_percent: 100 - loads,
            deletes_percent: 0,
            key: "int".into(),
            size: 100,
            goroutines,
            operations: 1,
            rounds: 1,
            cpu_ns_per_operation: ns,
            wall_ns_per_operation: ns,
        }
    }

    fn benchmark() -> Benchmark {
        Benchmark {
            schema: 1,
            go: "go1.26.8".into(),
            os: "linux".into(),
            arch: "amd64".into(),
            processors: 2,
            no_peers: None,
            maps: vec!["map+RWMutex".into(), "safemap.RW".into()],
            cells: vec![
                cell("map+RWMutex", "read-100", 100, 1, 10.0),
                cell("safemap.RW", "read-100", 100, 1, 20.0),
                cell("map+RWMutex", "read-100", 100, 2, 40.0),
                cell("safemap.RW", "read-100", 100, 2, 20.0),
            ],
        }
    }

    #[test]
    fn means_and_ratios() {
        let rows = rows(&benchmark(), |_| true);
        assert_eq!(rows.len(), 1);
        assert!((rows[0].means[0].unwrap() - 20.0).abs() < 1e-9);
        let ratios = ratios(&benchmark());
        assert_eq!(ratios.len(), 1);
        assert!((ratios[0].mean - 1.0).abs() < 1e-9 && (ratios[0].worst - 2.0).abs() < 1e-9);
        assert_eq!(
            ratios[0].worst_cell,
            "read-100, int keys, 100 entries, 1 goroutines"
        );
    }

    #[test]
    fn recommendation_names_the_fastest() {
        assert_eq!(
            recommendations(&benchmark()),
            [
                "Nearly only reads (99 % and more), one goroutine: safemap.RW (20.0 ns); of all maps measured map+RWMutex (10.0 ns) is the fastest.",
                "Nearly only reads (99 % and more), several goroutines: safemap.RW (20.0 ns).",
            ]
        );
    }
}
