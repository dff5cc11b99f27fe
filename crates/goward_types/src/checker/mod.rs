//! The checker: gives one package's declarations and function bodies their types.
//!
//! A port of the algorithms of `go/types`, function by function with the names kept, to other data:
//! ids instead of pointers, dense vectors instead of maps. Files here are named as theirs.
//! It needs the declarations of all imported packages to be in the [`World`] already; what is
//! missing there is [`TypeId::UNKNOWN`] and is absorbed.

mod assignments;
mod builtins;
mod call;
mod constants;
mod conversions;
mod cycles;
mod decl;
mod expr;
mod index;
mod infer;
mod labels;
mod literals;
mod operand;
mod package;
mod range;
mod recording;
mod resolver;
mod scope;
mod signature;
mod stmt;
mod structure;
mod typexpr;

use goward_diagnostics::Span;
use goward_syntax::{NodeId, Symbol, Tree};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;
use crate::facts::FileFacts;
use crate::ids::{ObjectId, PackageId, TypeId};
use crate::world::World;

pub use operand::Mode;
pub(crate) use operand::Operand;
pub use package::CheckedPackage;
pub(crate) use scope::{Scope, ScopeId};

/// A minor version of Go: 21 for `go1.21`. Zero stands for 'unknown': everything is allowed.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoVersion(pub u16);

impl GoVersion {
    /// Whether the language of `version` may be used.
    pub fn allows(self, version: u16) -> bool {
        self.0 == 0 || self.0 >= version
    }
}

/// One file of the package to check.
#[derive(Copy, Clone)]
pub struct File<'w> {
    pub tree: &'w Tree,
    pub source: &'w [u8],
    /// The language version of this file.
    pub version: GoVersion,
}

/// Something that the checker could not accept.
#[derive(Clone, Debug)]
pub struct TypeError {
    /// Index of the file in the package.
    pub file: u32,
    pub span: Span,
    pub message: String,
    /// A 'soft' error (an unused variable, say) leaves all types intact.
    pub soft: bool,
}

/// Finds imported packages.
pub trait Importer {
    /// The package with this import path, as imported by the package being checked. `None` where it
    /// is missing; everything that comes from it is unknown then.
    fn import(&self, path: &str) -> Option<PackageId>;

    /// Settles what a package declares that [`Importer::import`] gave, before anything is looked up
    /// in it. Most files import packages of which they name nothing outside of function bodies.
    fn settle(&self, _package: PackageId) {}
}

/// How a package is checked.
#[derive(Copy, Clone, Debug, Default)]
pub struct Settings {
    /// Only declarations: bodies of functions are not looked at.
    pub ignore_function_bodies: bool,
    /// Do not record facts for nodes (for packages that are only imported).
    pub no_facts: bool,
}

/// A package-level declaration that is checked when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct DeclInfo {
    /// Index of the file.
    pub(crate) file: usize,
    /// All variables of a declaration `var a, b = f()`.
    pub(crate) left: Option<std::rc::Rc<[ObjectId]>>,
    /// The written type of a constant or variable.
    pub(crate) value_type: Option<NodeId>,
    pub(crate) initial: Option<NodeId>,
    /// Whether the initialiser is inherited from an earlier constant of the group.
    pub(crate) inherited: bool,
    pub(crate) iota: u32,
    /// A type specification.
    pub(crate) type_specification: Option<NodeId>,
    /// A function declaration.
    pub(crate) function: Option<NodeId>,
}

/// The function whose body is being checked.
#[derive(Clone, Debug)]
pub(crate) struct FunctionContext {
    /// The variables that stand for the results, named or not.
    pub(crate) results: Vec<ObjectId>,
    /// Whether the results have names.
    pub(crate) named_results: bool,
}

/// What changes as the checker moves between declarations and bodies.
#[derive(Clone)]
pub(crate) struct Environment {
    /// Index of the file whose nodes are being looked at.
    pub(crate) file: usize,
    pub(crate) scope: ScopeId,
    pub(crate) version: GoVersion,
    /// The value of `iota`, inside constant declarations.
    pub(crate) iota: Option<i64>,
    /// The place to report errors of an inherited constant initialiser at.
    pub(crate) error_place: Option<Span>,
    pub(crate) in_type_parameter_list: bool,
    pub(crate) function: Option<std::rc::Rc<FunctionContext>>,
    /// Whether the expression contains a call or a receive (so that `len` of it is not constant).
    pub(crate) has_call_or_receive: bool,
}

/// The function type that an expression is assigned to, so that a generic function can be instantiated.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Target {
    pub(crate) signature: TypeId,
}

/// How deep expressions and types may nest, over all declarations that wait for each other. A chain
/// of operators may be longer than the parser's limit of nesting, but not as long as this; what it
/// takes of the stack is less than the threads have that check.
const DEPTH_LIMIT: u32 = 120_000;

/// How deep statements may nest: looking a name up walks through all of their scopes.
const STATEMENT_DEPTH_LIMIT: u32 = 5_000;

/// How many declarations may wait for each other.
const PATH_LIMIT: usize = 5_000;

type DelayedAction<'w> = Box<dyn FnOnce(&mut Checker<'w>) + 'w>;

struct Delayed<'w> {
    file: usize,
    version: GoVersion,
    action: DelayedAction<'w>,
}

/// The checker of one package.
pub struct Checker<'w> {
    pub(crate) world: &'w World,
    pub(crate) package: PackageId,
    /// The instances that the package writes.
    pub(crate) context: Context,
    pub(crate) files: Vec<File<'w>>,
    pub(crate) importer: &'w dyn Importer,
    pub(crate) settings: Settings,
    pub(crate) facts: Vec<FileFacts>,
    pub(crate) errors: Vec<TypeError>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) package_scope: ScopeId,
    pub(crate) file_scopes: Vec<ScopeId>,
    /// Declarations of package-level objects and methods.
    pub(crate) declarations: FxHashMap<ObjectId, DeclInfo>,
    /// The same objects in source order.
    pub(crate) object_list: Vec<ObjectId>,
    /// Methods by the type name of their receiver, until they are collected.
    pub(crate) methods: FxHashMap<ObjectId, Vec<ObjectId>>,
    /// Whether the function being checked makes use of labels.
    pub(crate) has_label: bool,
    delayed: Vec<Option<Delayed<'w>>>,
    /// Objects that are being declared ('grey'), for cycles.
    pub(crate) object_path: Vec<ObjectId>,
    /// Defined types whose size is known not to depend on what is being declared.
    pub(crate) finite: FxHashSet<TypeId>,
    /// The type `func()`.
    pub(crate) plain_function: TypeId,
    /// How many expressions and types are being checked, one inside of the other.
    depth: u32,
    /// The same of statements.
    statement_depth: u32,
    pub(crate) environment: Environment,
}

impl<'w> Checker<'w> {
    /// The tree of the file whose nodes are being looked at.
    pub(crate) fn tree(&self) -> &'w Tree {
        self.files[self.environment.file].tree
    }

    /// The source text of a node of the current file.
    pub(crate) fn text(&self, node: NodeId) -> &'w str {
        let file = &self.files[self.environment.file];
        std::str::from_utf8(&file.source[file.tree.span(node).range()]).unwrap_or("")
    }

    /// The place of an identifier, for the object that it declares.
    pub(crate) fn place(&self, identifier: NodeId) -> (u32, u32) {
        (
            self.environment.file as u32,
            self.tree().span(identifier).start,
        )
    }

    /// The name of an identifier node.
    pub(crate) fn symbol(&self, identifier: NodeId) -> Symbol {
        self.tree().symbol(identifier)
    }

    /// Reports an error at a node of the current file.
    pub(crate) fn error(&mut self, node: NodeId, message: impl Into<String>) {
        let span = self
            .environment
            .error_place
            .unwrap_or_else(|| self.tree().span(node));
        self.error_at(span, message);
    }

    /// Reports an error at a place in the current file.
    pub(crate) fn error_at(&mut self, span: Span, message: impl Into<String>) {
        let file = self.environment.file as u32;
        self.errors.push(TypeError {
            file,
            span,
            message: message.into(),
            soft: false,
        });
    }

    /// Reports an error that leaves all types intact.
    pub(crate) fn soft_error(&mut self, node: NodeId, message: impl Into<String>) {
        let (file, span) = (self.environment.file as u32, self.tree().span(node));
        self.errors.push(TypeError {
            file,
            span,
            message: message.into(),
            soft: true,
        });
    }

    /// Reports an error unless the file's language is at least `go1.<minor>`.
    pub(crate) fn verify_version(&mut self, node: NodeId, minor: u16, what: &str) -> bool {
        if self.environment.version.allows(minor) {
            return true;
        }
        self.error(node, format!("{what} requires go1.{minor} or later"));
        false
    }

    /// Goes one level deeper into expressions and types, unless that is too deep.
    fn enter(&mut self, node: NodeId) -> bool {
        if self.depth >= DEPTH_LIMIT {
            self.error(node, "nested too deeply: its type is not known");
            return false;
        }
        self.depth += 1;
        true
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Runs `action` when the current declaration or statement is complete.
    pub(crate) fn later(&mut self, action: impl FnOnce(&mut Checker<'w>) + 'w) {
        let (file, version) = (self.environment.file, self.environment.version);
        self.delayed.push(Some(Delayed {
            file,
            version,
            action: Box::new(action),
        }));
    }

    /// How many actions are waiting, for [`Checker::process_delayed`].
    pub(crate) fn delayed_count(&self) -> usize {
        self.delayed.len()
    }

    /// Runs all actions from number `top` on, and those that they add.
    pub(crate) fn process_delayed(&mut self, top: usize) {
        if self.delayed.len() <= top {
            return;
        }
        let (file, version) = (self.environment.file, self.environment.version);
        let mut next = top;
        while next < self.delayed.len() {
            if let Some(delayed) = self.delayed[next].take() {
                self.environment.file = delayed.file;
                self.environment.version = delayed.version;
                (delayed.action)(self);
            }
            next += 1;
        }
        self.delayed.truncate(top);
        self.environment.file = file;
        self.environment.version = version;
    }
}
