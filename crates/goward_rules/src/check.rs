//! Running the rules on one package.

use goward_diagnostics::Diagnostic;
use goward_types::TypedPackage;

use crate::rules;
use crate::selection::Selection;

/// What the rules of a selection find in a package, in no particular order.
pub fn check_package(package: &TypedPackage<'_>, selection: &Selection) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (rule, check) in rules::CHECKS {
        if selection.enables(rule) {
            check(package, &mut diagnostics);
        }
    }
    diagnostics
}
