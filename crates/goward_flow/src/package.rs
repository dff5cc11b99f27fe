//! Everything that is computed of one package, once, for all rules.

use goward_types::TypedPackage;

use crate::unit::Units;

/// What rules look at.
pub struct PackageFlow<'a> {
    pub package: &'a TypedPackage<'a>,
    pub units: Units,
}

impl<'a> PackageFlow<'a> {
    /// Analyses a package.
    pub fn new(package: &'a TypedPackage<'a>) -> PackageFlow<'a> {
        PackageFlow {
            package,
            units: Units::new(package),
        }
    }
}
