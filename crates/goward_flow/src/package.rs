//! Everything that is computed of one package, once, for all rules.

use std::sync::OnceLock;

use goward_types::TypedPackage;

use crate::nilness::NilMaps;
use crate::unit::Units;

/// What rules look at.
pub struct PackageFlow<'a> {
    pub package: &'a TypedPackage<'a>,
    pub units: Units,
    nil_maps: OnceLock<NilMaps>,
}

impl<'a> PackageFlow<'a> {
    /// Analyses a package.
    pub fn new(package: &'a TypedPackage<'a>) -> PackageFlow<'a> {
        PackageFlow {
            package,
            units: Units::new(package),
            nil_maps: OnceLock::new(),
        }
    }

    /// Writes to nil maps, found when first asked for.
    pub fn nil_maps(&self) -> &NilMaps {
        self.nil_maps
            .get_or_init(|| NilMaps::new(self.package, &self.units))
    }
}
