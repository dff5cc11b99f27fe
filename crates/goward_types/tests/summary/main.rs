//! What is read back from a summary is what the checker had found: packages in, for two platforms,
//! and the same declarations and the same facts about a program that imports them out.

mod library;
mod stored;

use goward_types::{PackageId, Packing, Summary, SummaryBuilder, SummaryPackages};

use library::{PLATFORMS, Packages, describe, facts, library, world_for};

fn summary(packing: Packing) -> Vec<u8> {
    let mut builder = SummaryBuilder::new("1.26.0");
    for platform in PLATFORMS {
        let world = world_for(platform);
        let packages = library(&world, platform);
        builder.add_platform(platform, &world, &packages).unwrap();
    }
    builder.finish(packing).unwrap()
}

#[test]
fn what_is_read_is_what_was_written() {
    let bytes = summary(Packing::Compressed);
    let summary = Summary::open(&bytes).unwrap();
    assert_eq!(summary.platforms(), PLATFORMS);
    assert_eq!(summary.release(), "1.26.0");
    for (number, platform) in PLATFORMS.into_iter().enumerate() {
        let source_world = world_for(platform);
        let from_source = library(&source_world, platform);
        let world = world_for(platform);
        let packages = SummaryPackages::new(&summary, number);
        // The package above comes first: the one below is read because of it.
        for (path, source) in [("high", from_source[1]), ("low", from_source[0])] {
            let read = packages.import(&world, path).unwrap().unwrap();
            assert_eq!(world.package(read).name().as_str(), path);
            let described = describe(&world, read);
            assert_eq!(described, describe(&source_world, source));
            assert!(described.lines().count() > 10);
        }
        assert_eq!(packages.import(&world, "middle"), Ok(None));

        let find = |path: &str| packages.import(&world, path).unwrap();
        let find_source = |path: &str| Some(from_source[usize::from(path == "high")]);
        let facts_from_summary = facts(&world, &Packages::new(&find));
        let facts_from_source = facts(&source_world, &Packages::new(&find_source));
        assert_eq!(facts_from_summary, facts_from_source);
        let special = facts_from_source.contains("error: ");
        assert_eq!(
            special,
            platform.starts_with("windows"),
            "{facts_from_source}"
        );
    }
}

#[test]
fn packages_are_read_once_whoever_asks() {
    let bytes = summary(Packing::Compressed);
    let summary = Summary::open(&bytes).unwrap();
    let world = world_for(PLATFORMS[0]);
    let packages = SummaryPackages::new(&summary, 0);
    let read: Vec<[PackageId; 2]> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (packages, world) = (&packages, &world);
                scope.spawn(move || {
                    let import = |path| packages.import(world, path).unwrap().unwrap();
                    match number % 2 {
                        0 => [import("low"), import("high")],
                        _ => {
                            let high = import("high");
                            [import("low"), high]
                        }
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(read.iter().all(|ids| *ids == read[0]), "{read:?}");
}

/// Whether everything in these bytes can be read.
fn can_be_read(bytes: &[u8]) -> bool {
    let Ok(summary) = Summary::open(bytes) else {
        return false;
    };
    let world = world_for(PLATFORMS[0]);
    let packages = SummaryPackages::new(&summary, 0);
    let mut read = ["high", "low"]
        .into_iter()
        .map(|path| packages.import(&world, path));
    read.all(|package| matches!(package, Ok(Some(_))))
}

#[test]
fn a_summary_that_is_cut_is_an_error() {
    let bytes = summary(Packing::Compressed);
    assert!(can_be_read(&bytes));
    for length in 0..bytes.len() {
        assert!(!can_be_read(&bytes[..length]), "cut after {length} bytes");
    }
    assert!(!can_be_read(&[&bytes[..], &[0]].concat()));
}

#[test]
fn changed_bytes_are_no_panic() {
    // Without compression, so that the changes are in names and numbers.
    let bytes = summary(Packing::Plain);
    let mut refused = 0;
    for position in 0..bytes.len() {
        for change in [1, 0x80 >> (position % 7), 0xff] {
            let mut changed = bytes.clone();
            changed[position] ^= change;
            refused += usize::from(!can_be_read(&changed));
        }
    }
    assert!(refused > bytes.len() / 2, "{refused} of {}", bytes.len());
}

/// As above, with up to eight changes at once.
#[test]
#[ignore = "takes half a minute"]
fn many_changes_are_no_panic() {
    let bytes = summary(Packing::Plain);
    let mut state = 1u64;
    let mut random = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % limit as u64) as usize
    };
    let mut read = 0;
    for _ in 0..50_000 {
        let mut changed = bytes.clone();
        for _ in 0..=random(8) {
            let position = random(bytes.len());
            // Small numbers are what leads to other types and names.
            let limit = [4, 64, 256][random(3)];
            changed[position] = random(limit) as u8;
        }
        read += usize::from(can_be_read(&changed));
    }
    assert!(read > 100, "{read} could be read");
}

#[test]
fn errors_say_what_is_damaged() {
    let bytes = summary(Packing::Plain);
    let text = |error: goward_types::SummaryError| error.to_string();
    assert_eq!(
        Summary::open(b"goward").map(|_| ()).map_err(text),
        Err("the summary is damaged: it does not begin as one of this version does".to_owned())
    );
    let mut changed = bytes;
    *changed.last_mut().unwrap() ^= 0xff;
    let summary = Summary::open(&changed).unwrap();
    let world = world_for(PLATFORMS[0]);
    let packages = SummaryPackages::new(&summary, 1);
    let error = packages.import(&world, "high").unwrap_err();
    assert_eq!(error.package.as_deref(), Some("high"));
    assert!(text(error).starts_with("the summary of package high is damaged: "));
}
