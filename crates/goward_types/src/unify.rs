//! Unification: finding types for type parameters that make two types the same.
//!
//! Source: `go/types/unify.go`.

use goward_syntax::ChannelDirection;

use crate::identical::Pair;
use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::object::ObjectKind;
use crate::types::Type;
use crate::world::World;

/// Deeper nesting of types is taken as a failure.
const DEPTH_LIMIT: usize = 50;

/// How closely two types must match.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnifyMode {
    /// The types are those of an assignment: inexact at the top, exact for elements.
    assign: bool,
    /// Identical. Otherwise a defined type matches a type literal if their underlying types do,
    /// directions of channels are ignored, and what meets an interface must implement it.
    exact: bool,
}

impl UnifyMode {
    pub(crate) const INEXACT: UnifyMode = UnifyMode {
        assign: false,
        exact: false,
    };
    pub(crate) const ASSIGN: UnifyMode = UnifyMode {
        assign: true,
        exact: false,
    };
    pub(crate) const EXACT: UnifyMode = UnifyMode {
        assign: false,
        exact: true,
    };
}

/// Type parameters and what is known of the types that they stand for.
pub(crate) struct Unifier<'w> {
    world: &'w World,
    /// Each type parameter with its place in `inferred`; joined parameters share one.
    handles: Vec<(TypeId, usize)>,
    inferred: Vec<Option<TypeId>>,
    depth: usize,
    /// Methods of interfaces are used too (since Go 1.21).
    interface_inference: bool,
}

/// Is called with a method before its type is read.
type Resolve<'r> = &'r mut dyn FnMut(ObjectId);

impl<'w> Unifier<'w> {
    /// A unifier for `parameters`, some of whose types may be given.
    pub(crate) fn new(
        world: &'w World,
        parameters: &[TypeId],
        given: &[Option<TypeId>],
        interface_inference: bool,
    ) -> Unifier<'w> {
        let inferred = (0..parameters.len())
            .map(|index| given.get(index).copied().flatten())
            .collect();
        Unifier {
            world,
            handles: parameters.iter().copied().zip(0..).collect(),
            inferred,
            depth: 0,
            interface_inference,
        }
    }

    /// Whether `x` and `y` can be made the same; types found on the way are kept in any case.
    pub(crate) fn unify(
        &mut self,
        x: TypeId,
        y: TypeId,
        mode: UnifyMode,
        resolve: Resolve<'_>,
    ) -> bool {
        self.nify(x, y, mode, None, resolve)
    }

    fn handle(&self, parameter: TypeId) -> Option<usize> {
        let found = self.handles.iter().find(|entry| entry.0 == parameter);
        found.map(|entry| entry.1)
    }

    /// The type found for a parameter.
    pub(crate) fn at(&self, parameter: TypeId) -> Option<TypeId> {
        self.inferred[self.handle(parameter)?]
    }

    pub(crate) fn set(&mut self, parameter: TypeId, found: TypeId) {
        if let Some(handle) = self.handle(parameter) {
            self.inferred[handle] = Some(found);
        }
    }

    /// How many parameters have no type yet.
    pub(crate) fn unknowns(&self) -> usize {
        let open = |entry: &&(TypeId, usize)| self.inferred[entry.1].is_none();
        self.handles.iter().filter(open).count()
    }

    /// The types found for a list of parameters.
    pub(crate) fn inferred(&self, parameters: &[TypeId]) -> Vec<Option<TypeId>> {
        parameters
            .iter()
            .map(|&parameter| self.at(parameter))
            .collect()
    }

    /// Makes two parameters share one type; impossible if each has one.
    fn join(&mut self, x: TypeId, y: TypeId) -> bool {
        let (Some(x_handle), Some(y_handle)) = (self.handle(x), self.handle(y)) else {
            return false;
        };
        if x_handle == y_handle {
            return true;
        }
        let (from, to) = match (self.inferred[x_handle], self.inferred[y_handle]) {
            (Some(_), Some(_)) => return false,
            (Some(_), None) => (y_handle, x_handle),
            _ => (x_handle, y_handle),
        };
        for entry in &mut self.handles {
            if entry.1 == from {
                entry.1 = to;
            }
        }
        true
    }

    /// The type parameter that `id` is, if its type is to be found.
    fn bound_parameter(&self, id: TypeId) -> Option<TypeId> {
        let actual = self.world.unalias(id);
        (actual.kind() == TypeKind::TypeParameter && self.handle(actual).is_some())
            .then_some(actual)
    }

    /// The interface under `id`, unless it is a type parameter.
    fn as_interface(&self, id: TypeId) -> Option<TypeId> {
        if self.world.is_type_parameter(id) {
            return None;
        }
        let underlying = self.world.underlying(id);
        (underlying.kind() == TypeKind::Interface).then_some(underlying)
    }

    fn is_named(&self, id: TypeId) -> bool {
        self.world.unalias(id).kind() == TypeKind::Named
    }

    fn nify(
        &mut self,
        x: TypeId,
        y: TypeId,
        mode: UnifyMode,
        pair: Option<&Pair<'_>>,
        resolve: Resolve<'_>,
    ) -> bool {
        if x == y || self.world.unalias(x) == self.world.unalias(y) {
            return true;
        }
        if self.depth >= DEPTH_LIMIT {
            return false;
        }
        self.depth += 1;
        let result = self.nify_different(x, y, mode, pair, resolve);
        self.depth -= 1;
        result
    }

    fn nify_different(
        &mut self,
        mut x: TypeId,
        mut y: TypeId,
        mode: UnifyMode,
        pair: Option<&Pair<'_>>,
        resolve: Resolve<'_>,
    ) -> bool {
        let world = self.world;
        // A defined type, if there is one, goes to y, a parameter that is to be found to x.
        if self.is_named(x) || self.bound_parameter(y).is_some() {
            std::mem::swap(&mut x, &mut y);
        }
        // A defined type may match a type literal through its underlying type.
        if !mode.exact
            && self.is_named(y)
            && world.is_type_literal(x)
            && !(self.interface_inference && world.is_interface(x))
        {
            y = world.underlying(y);
            if x == y || world.unalias(x) == world.unalias(y) {
                return true;
            }
        }
        match (self.bound_parameter(x), self.bound_parameter(y)) {
            (Some(x_parameter), Some(y_parameter)) => {
                if self.join(x_parameter, y_parameter) {
                    return true;
                }
                match (self.at(x_parameter), self.at(y_parameter)) {
                    (Some(x), Some(y)) => return self.nify(x, y, mode, pair, resolve),
                    _ => return false,
                }
            }
            (Some(parameter), None) => {
                let Some(found) = self.at(parameter) else {
                    self.set(parameter, y);
                    return true;
                };
                return self.nify(found, y, mode, pair, resolve)
                    && self.choose(parameter, found, y, mode);
            }
            _ => {}
        }
        // What is unknown matches anything.
        if world.unalias(x) == TypeId::UNKNOWN || world.unalias(y) == TypeId::UNKNOWN {
            return true;
        }
        if self.interface_inference && !mode.exact {
            match (self.as_interface(x), self.as_interface(y)) {
                (Some(x), Some(y)) => return self.nify_interfaces(x, y, pair, resolve),
                (Some(interface), None) => {
                    return self.nify_methods(interface, y, pair, resolve);
                }
                (None, Some(interface)) => {
                    return self.nify_methods(interface, x, pair, resolve);
                }
                (None, None) => {}
            }
        }
        // Parameters that are left are not to be found.
        if world.is_type_parameter(y) {
            std::mem::swap(&mut x, &mut y);
        }
        self.nify_forms(x, y, mode, pair, resolve)
    }

    /// Decides between the type found before and another one that matches it.
    fn choose(&mut self, parameter: TypeId, x: TypeId, y: TypeId, mode: UnifyMode) -> bool {
        let world = self.world;
        let (x_named, y_named) = (self.is_named(x), self.is_named(y));
        match (self.as_interface(x), self.as_interface(y)) {
            (Some(x_interface), Some(y_interface)) => {
                // Which name would be the right one is not known.
                if x_named && y_named {
                    return world.identical(x, y);
                }
                let (x_set, y_set) = (world.type_set(x_interface), world.type_set(y_interface));
                if x_set.methods.len() != y_set.methods.len() {
                    return false;
                }
            }
            (None, None) => {}
            // Either could be meant, and the order must not decide.
            _ => return false,
        }
        // A defined type wins, then a channel with a direction, whatever the order.
        if !mode.exact && !x_named {
            let directed = matches!(
                world.get(world.underlying(y)),
                Type::Channel { direction, .. } if direction != ChannelDirection::Both
            );
            if y_named || directed {
                self.set(parameter, y);
            }
        }
        true
    }

    /// Two interfaces match if one has all methods of the other, and their types match.
    fn nify_interfaces(
        &mut self,
        x: TypeId,
        y: TypeId,
        pair: Option<&Pair<'_>>,
        resolve: Resolve<'_>,
    ) -> bool {
        let world = self.world;
        let (x_set, y_set) = (world.type_set(x), world.type_set(y));
        if x_set.comparable != y_set.comparable
            || !world.terms_equal(&x_set.term_list, &y_set.term_list)
        {
            return false;
        }
        let inner = Pair {
            x,
            y,
            previous: pair,
        };
        if inner.is_known() {
            return true;
        }
        let (fewer, more) = match x_set.methods.len() > y_set.methods.len() {
            true => (y_set, x_set),
            false => (x_set, y_set),
        };
        fewer.methods.iter().all(|&method| {
            let object = world.object(method);
            match world.lookup_in_type_set(more, object.package, object.name) {
                Some((_, other)) => self.nify(
                    world.object_type(method),
                    world.object_type(other),
                    UnifyMode::EXACT,
                    Some(&inner),
                    resolve,
                ),
                None => false,
            }
        })
    }

    /// A type matches an interface if it has its methods, with types that match.
    fn nify_methods(
        &mut self,
        interface: TypeId,
        id: TypeId,
        pair: Option<&Pair<'_>>,
        resolve: Resolve<'_>,
    ) -> bool {
        let world = self.world;
        world.type_set(interface).methods.iter().all(|&method| {
            let object = world.object(method);
            let found = world.lookup_field_or_method(id, false, object.package, object.name);
            let Some(found) = found.object else {
                return false;
            };
            if world.object(found).kind != ObjectKind::Function {
                return false;
            }
            resolve(found);
            let (wanted, given) = (world.object_type(method), world.object_type(found));
            // A generic method is never that of an interface.
            world.type_parameters(given).is_empty()
                && self.nify(wanted, given, UnifyMode::EXACT, pair, resolve)
        })
    }

    fn nify_forms(
        &mut self,
        x: TypeId,
        y_written: TypeId,
        mode: UnifyMode,
        pair: Option<&Pair<'_>>,
        resolve: Resolve<'_>,
    ) -> bool {
        let world = self.world;
        // Elements must match exactly in an assignment.
        let element_mode = UnifyMode {
            exact: mode.exact || mode.assign,
            ..mode
        };
        let (x, y) = (world.unalias(x), world.unalias(y_written));
        match (world.get(x), world.get(y)) {
            (Type::TypeParameter(_), _) => {
                // Whatever it stands for has its core type under it.
                match world.common_under(x) {
                    Some(core) => self.nify(core, y_written, UnifyMode::ASSIGN, pair, resolve),
                    None => false,
                }
            }
            (Type::Basic(x), Type::Basic(y)) => x == y,
            (
                Type::Array {
                    length: x_length,
                    element: x,
                },
                Type::Array {
                    length: y_length,
                    element: y,
                },
            ) => {
                (x_length < 0 || y_length < 0 || x_length == y_length)
                    && self.nify(x, y, element_mode, pair, resolve)
            }
            (Type::Slice { element: x }, Type::Slice { element: y })
            | (Type::Pointer { base: x }, Type::Pointer { base: y }) => {
                self.nify(x, y, element_mode, pair, resolve)
            }
            (
                Type::Map {
                    key: x_key,
                    element: x,
                },
                Type::Map {
                    key: y_key,
                    element: y,
                },
            ) => {
                self.nify(x_key, y_key, element_mode, pair, resolve)
                    && self.nify(x, y, element_mode, pair, resolve)
            }
            (
                Type::Channel {
                    direction: x_direction,
                    element: x,
                },
                Type::Channel {
                    direction: y_direction,
                    element: y,
                },
            ) => {
                (!mode.exact || x_direction == y_direction)
                    && self.nify(x, y, element_mode, pair, resolve)
            }
            (Type::Struct(x), Type::Struct(y)) => {
                world.same_fields(x, y, false)
                    && x.fields.iter().zip(&y.fields).all(|(&f, &g)| {
                        let (f, g) = (world.object_type(f), world.object_type(g));
                        self.nify(f, g, element_mode, pair, resolve)
                    })
            }
            (Type::Tuple(x), Type::Tuple(y)) => {
                x.len() == y.len()
                    && x.iter().zip(y).all(|(x, y)| {
                        self.nify(x.parameter_type, y.parameter_type, mode, pair, resolve)
                    })
            }
            (Type::Signature(x), Type::Signature(y)) => {
                x.variadic == y.variadic
                    && self.nify(x.parameters, y.parameters, element_mode, pair, resolve)
                    && self.nify(x.results, y.results, element_mode, pair, resolve)
            }
            (Type::Interface(_), Type::Interface(_)) => {
                let (x_set, y_set) = (world.type_set(x), world.type_set(y));
                x_set.methods.len() == y_set.methods.len()
                    && self.nify_interfaces(x, y, pair, resolve)
            }
            (Type::Named(x_named), Type::Named(y_named)) => {
                x_named.arguments.len() == y_named.arguments.len()
                    && x_named
                        .arguments
                        .iter()
                        .zip(&y_named.arguments)
                        .all(|(&x, &y)| self.nify(x, y, mode, pair, resolve))
                    && x_named.object == y_named.object
            }
            _ => false,
        }
    }
}
