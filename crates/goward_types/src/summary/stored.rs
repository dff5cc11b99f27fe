//! Packages of one world whose declarations an earlier run wrote, one by one.
//!
//! They are read in two steps. When somebody looks for a name in a package, or another package names
//! one of its types, it is *announced*: its name and the kinds and names of its declarations are
//! read. Only when somebody looks at what a declaration says is it *completed*: all its declarations
//! are read, and the packages that they name are announced. A package names far more packages than
//! anybody looks into, so most of what could be reached is never read.
//!
//! Both steps happen on whichever thread is first; others wait. As imports form no cycles, nobody
//! waits for himself, but for completing a package that looks at its own types: that goes on with
//! what is there already.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use goward_syntax::Symbol;
use rustc_hash::FxHashMap;

use super::SummaryError;
use super::read::PackageReader;
use super::wire::{Damage, Reader};
use crate::ids::{ObjectId, PackageId};
use crate::world::World;

/// Where the declarations of packages are kept.
pub trait StoredDeclarations: Send + Sync {
    /// The bytes of a package, as [`write_declarations`](super::write_declarations) made them; none
    /// where they are gone or no longer what they were.
    fn read(&self, number: usize) -> Option<Vec<u8>>;
}

/// The stored packages of a world.
pub(crate) struct StoredPackages {
    source: Box<dyn StoredDeclarations>,
    packages: Vec<StoredPackage>,
    numbers: FxHashMap<Symbol, usize>,
    damage: Mutex<Option<SummaryError>>,
}

struct StoredPackage {
    id: PackageId,
    /// Its number in the source.
    number: usize,
    announced: OnceLock<()>,
    completed: OnceLock<()>,
    /// What completing it will take.
    rest: Mutex<Option<Rest>>,
}

/// A package of which the heads were read.
struct Rest {
    bytes: Vec<u8>,
    /// Where the rest begins.
    start: usize,
    objects: Vec<ObjectId>,
}

thread_local! {
    /// The packages that this thread is completing.
    static COMPLETING: RefCell<Vec<PackageId>> = const { RefCell::new(Vec::new()) };
}

impl fmt::Debug for StoredPackages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} stored packages", self.packages.len())
    }
}

impl World {
    /// Says which packages of the world need not be checked, because `source` has their
    /// declarations: packages that were made and not settled, with their numbers in the source. All
    /// that they name must be among them. The first list stays.
    pub fn set_stored(&self, packages: &[(PackageId, usize)], source: Box<dyn StoredDeclarations>) {
        let numbers = packages.iter().enumerate();
        let numbers = numbers.map(|(index, (id, _))| (self.package(*id).path, index));
        let stored = StoredPackages {
            source,
            numbers: numbers.collect(),
            packages: packages
                .iter()
                .map(|&(id, number)| StoredPackage {
                    id,
                    number,
                    announced: OnceLock::new(),
                    completed: OnceLock::new(),
                    rest: Mutex::new(None),
                })
                .collect(),
            damage: Mutex::new(None),
        };
        if self.stored().set(stored).is_ok() {
            for (index, (id, _)) in packages.iter().enumerate() {
                self.package(*id).set_stored(index as u32);
            }
        }
    }

    /// What is wrong with stored packages. If something is, what was found out with their help
    /// counts for nothing.
    pub fn stored_damage(&self) -> Option<SummaryError> {
        let damage = self.stored().get()?.damage.lock();
        damage.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stored_package(&self, id: PackageId) -> Option<(&StoredPackages, &StoredPackage)> {
        let stored = self.stored().get()?;
        let index = self.package(id).stored()?;
        Some((stored, &stored.packages[index as usize]))
    }

    /// Reads which names a stored package declares, unless that was done. Whether it is a stored
    /// one.
    pub fn announce(&self, id: PackageId) -> bool {
        let Some((stored, package)) = self.stored_package(id) else {
            return false;
        };
        package.announced.get_or_init(|| {
            let bytes = stored.source.read(package.number);
            let rest = bytes
                .ok_or("it is not there any more")
                .and_then(|bytes| self.read_heads(id, bytes));
            match rest {
                Ok(rest) => {
                    *package.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest)
                }
                Err(cause) => {
                    stored.damaged(self, id, cause);
                    self.package(id).give_up();
                }
            }
        });
        true
    }

    /// Reads the rest of a stored package, unless that was done.
    #[cold]
    pub(crate) fn complete(&self, id: PackageId) {
        let Some((stored, package)) = self.stored_package(id) else {
            return;
        };
        if package.completed.get().is_some()
            || COMPLETING.with_borrow(|completing| completing.contains(&id))
        {
            return;
        }
        self.announce(id);
        package.completed.get_or_init(|| {
            let rest = package.rest.lock();
            let Some(rest) = rest.unwrap_or_else(PoisonError::into_inner).take() else {
                return;
            };
            COMPLETING.with_borrow_mut(|completing| completing.push(id));
            let read = self.read_rest(id, stored, &rest);
            COMPLETING.with_borrow_mut(|completing| completing.pop());
            if let Err(cause) = read {
                stored.damaged(self, id, cause);
            }
        });
    }

    fn read_heads(&self, id: PackageId, bytes: Vec<u8>) -> Result<Rest, Damage> {
        let mut reader = Reader::new(&bytes);
        let package = self.package(id);
        package.set_name(Symbol::intern(reader.utf8()?));
        let (scope, objects) = super::read::stored_heads(self, id, &mut reader)?;
        package.set_scope(scope);
        package.settle();
        let start = bytes.len() - reader.left();
        Ok(Rest {
            bytes,
            start,
            objects,
        })
    }

    fn read_rest(&self, id: PackageId, stored: &StoredPackages, rest: &Rest) -> Result<(), Damage> {
        let mut reader = Reader::new(rest.bytes.get(rest.start..).unwrap_or_default());
        let mut packages = vec![Some(id)];
        for _ in 0..reader.count()? {
            let path = Symbol::intern(reader.utf8()?);
            let number = stored.numbers.get(&path);
            let number = number.ok_or("a package that it names is not stored")?;
            packages.push(Some(stored.packages[*number].id));
        }
        PackageReader::read_stored(self, packages, &rest.objects, reader)
    }
}

impl StoredPackages {
    fn damaged(&self, world: &World, package: PackageId, cause: Damage) {
        let mut damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        damage.get_or_insert_with(|| SummaryError {
            package: Some(world.package(package).path.to_string()),
            cause,
        });
    }
}
