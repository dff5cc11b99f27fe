//! The index of a summary: which packages it has, on which platforms, and where their bytes are.

use std::io::Read as _;

use rustc_hash::FxHashMap;

use super::SummaryError;
use super::wire::{Damage, Reader, utf8};

/// What a summary begins with; the number changes with the format.
pub(super) const MAGIC: &[u8] = b"goward summary 1\n";

/// No package is larger than this; more is a sign of damage.
const LARGEST_PACKAGE: usize = 4 << 20;

/// A summary, opened: declarations of packages for several platforms.
#[derive(Debug)]
pub struct Summary<'a> {
    release: &'a str,
    platforms: Vec<&'a str>,
    pub(super) packages: Vec<Entry<'a>>,
    by_path: FxHashMap<&'a str, usize>,
}

/// A package of a summary.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) path: &'a str,
    /// The platforms that have it, a bit each.
    pub(super) platforms: u64,
    /// The packages whose types it names: numbers below its own.
    pub(super) imports: Vec<usize>,
    packed: &'a [u8],
    size: usize,
}

impl<'a> Summary<'a> {
    /// Reads the index.
    pub fn open(bytes: &'a [u8]) -> Result<Summary<'a>, SummaryError> {
        Summary::read(bytes).map_err(|cause| SummaryError {
            package: None,
            cause,
        })
    }

    fn read(bytes: &'a [u8]) -> Result<Summary<'a>, Damage> {
        let rest = bytes.strip_prefix(MAGIC);
        let mut reader = Reader::new(rest.ok_or("it does not begin as one of this version does")?);
        let release = reader.utf8()?;
        let mut platforms = Vec::new();
        for _ in 0..reader.index(65)? {
            platforms.push(reader.utf8()?);
        }
        let count = reader.count()?;
        let mut packages: Vec<Entry<'a>> = Vec::new();
        let mut lengths = Vec::new();
        let mut by_path = FxHashMap::default();
        for number in 0..count {
            let path = reader.utf8()?;
            let has = reader.number()?;
            let mut imports = Vec::new();
            for _ in 0..reader.count()? {
                imports.push(reader.index(number)?);
            }
            let size = reader.index(LARGEST_PACKAGE)?;
            lengths.push(reader.count()?);
            packages.push(Entry {
                path,
                platforms: has,
                imports,
                packed: &[],
                size,
            });
            if by_path.insert(path, number).is_some() {
                return Err("a package is in it twice");
            }
        }
        for (package, length) in packages.iter_mut().zip(lengths) {
            package.packed = reader.take(length)?;
        }
        match reader.is_empty() {
            true => Ok(Summary {
                release,
                platforms,
                packages,
                by_path,
            }),
            false => Err("something follows its end"),
        }
    }

    /// The Go release that it was made from, as in `1.26.8`.
    pub fn release(&self) -> &'a str {
        self.release
    }

    /// What it was made for, as in `linux/amd64`.
    pub fn platforms(&self) -> &[&'a str] {
        &self.platforms
    }

    /// The number of a platform.
    pub fn platform(&self, system: &str, architecture: &str) -> Option<usize> {
        self.platforms
            .iter()
            .position(|platform| platform.split_once('/') == Some((system, architecture)))
    }

    /// The number of a package that a platform has.
    pub(super) fn find(&self, path: &str, platform: usize) -> Option<usize> {
        let number = *self.by_path.get(path)?;
        self.packages[number].is_on(platform).then_some(number)
    }

    /// Whether a platform has a package.
    pub fn contains(&self, path: &str, platform: usize) -> bool {
        self.find(path, platform).is_some()
    }

    /// The packages of a platform, each after those whose types it names.
    pub fn packages(&self, platform: usize) -> impl Iterator<Item = &'a str> + '_ {
        let on_platform = self
            .packages
            .iter()
            .filter(move |entry| entry.is_on(platform));
        on_platform.map(|entry| entry.path)
    }
}

impl Entry<'_> {
    pub(super) fn is_on(&self, platform: usize) -> bool {
        self.platforms >> platform & 1 != 0
    }

    /// The bytes of the package, unpacked.
    pub(super) fn unpack(&self) -> Result<Vec<u8>, Damage> {
        let mut bytes = Vec::with_capacity(self.size);
        // One byte more than it should be, to see whether there are more.
        let mut decoder = flate2::read::DeflateDecoder::new(self.packed).take(self.size as u64 + 1);
        match decoder.read_to_end(&mut bytes) {
            Ok(length) if length == self.size => Ok(bytes),
            _ => Err("it cannot be unpacked"),
        }
    }
}

/// A string table: where each text begins and ends.
pub(super) fn strings<'b>(reader: &mut Reader<'b>) -> Result<Vec<&'b str>, Damage> {
    let count = reader.count()?;
    let mut strings = Vec::with_capacity(count);
    for _ in 0..count {
        strings.push(utf8(reader.text()?)?);
    }
    Ok(strings)
}
