//! Checking one package from beginning to end.

use goward_syntax::{Symbol, Tree};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::checker::{Checker, Environment, File, Importer, ScopeId, Settings, TypeError};
use crate::context::Context;
use crate::facts::FileFacts;
use crate::ids::PackageId;
use crate::types::Signature;
use crate::world::World;

/// What checking a package gave.
#[derive(Debug)]
pub struct CheckedPackage {
    pub package: PackageId,
    /// Facts of its files, in order.
    pub facts: Vec<FileFacts>,
    pub errors: Vec<TypeError>,
}

impl<'w> Checker<'w> {
    /// Checks the package that `package` was made for. Its imports have been checked before, or the
    /// importer sees to it when it is asked to.
    pub fn check(
        world: &'w World,
        package: PackageId,
        files: Vec<File<'w>>,
        importer: &'w dyn Importer,
        settings: Settings,
    ) -> CheckedPackage {
        let node_count = |tree: &Tree| {
            if settings.no_facts {
                0
            } else {
                tree.node_count()
            }
        };
        let facts = files
            .iter()
            .map(|file| FileFacts::new(node_count(file.tree)))
            .collect();
        let nowhere = Environment {
            file: 0,
            scope: ScopeId(0),
            version: crate::checker::GoVersion::default(),
            iota: None,
            error_place: None,
            in_type_parameter_list: false,
            function: None,
            has_call_or_receive: false,
        };
        let mut checker = Checker {
            world,
            package,
            context: Context::default(),
            files,
            importer,
            settings,
            facts,
            errors: Vec::new(),
            scopes: Vec::new(),
            package_scope: ScopeId(0),
            file_scopes: Vec::new(),
            declarations: FxHashMap::default(),
            object_list: Vec::new(),
            methods: FxHashMap::default(),
            has_label: false,
            delayed: Vec::new(),
            object_path: Vec::new(),
            finite: FxHashSet::default(),
            plain_function: world.new_signature(Signature::without_parameters(world, &[])),
            depth: 0,
            statement_depth: 0,
            environment: nowhere,
        };
        checker.package_scope = checker.new_scope(None);
        checker.name_package();
        checker.collect_objects();
        checker.direct_cycles();
        checker.package_objects();
        checker.process_delayed(0);
        world.package(package).settle();
        CheckedPackage {
            package,
            facts: checker.facts,
            errors: checker.errors,
        }
    }

    /// The package is called what the package clause of its first file says.
    fn name_package(&mut self) {
        for file in 0..self.files.len() {
            self.environment.file = file;
            let Some(identifier) = self.tree().package_name() else {
                continue;
            };
            let name = self.symbol(identifier);
            let known = self.world.package(self.package).name();
            if known == Symbol::EMPTY {
                if name.is_blank() {
                    self.error(identifier, "invalid package name _");
                } else {
                    self.world.package(self.package).set_name(name);
                }
            } else if known != name {
                self.error(
                    identifier,
                    format!("package {name}; expected package {known}"),
                );
            }
        }
    }
}
