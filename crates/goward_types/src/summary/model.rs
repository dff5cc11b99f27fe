//! The declarations of a package as plain values, independent of a world: what the writer compares
//! between platforms.

use goward_syntax::{ChannelDirection, Symbol};
use rustc_hash::FxHashMap;

use super::head_tag;

/// Number of a type in its package.
pub(super) type NodeIndex = u32;

/// The number of a type that is not known.
pub(super) const UNKNOWN: NodeIndex = 0;
/// How many numbers of types stand for what is predeclared.
pub(super) const PREDECLARED: u32 = 33;
/// Numbers from here on are `error`, `any`, the empty interfaces and `comparable`; below are the
/// basic types.
pub(super) const FIRST_NOT_BASIC: u32 = 28;

/// A type, made of types with lower numbers. Equal nodes of a package are one, on all platforms.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// A defined type or alias, declared at the level of a package.
    Declared {
        package: Symbol,
        name: Symbol,
    },
    Instance {
        origin: NodeIndex,
        arguments: Vec<NodeIndex>,
    },
    /// `owner` is the declaration that it belongs to, and only there to tell it from others.
    TypeParameter {
        owner: String,
        name: Symbol,
    },
    Array {
        length: i64,
        element: NodeIndex,
    },
    Slice(NodeIndex),
    Pointer(NodeIndex),
    Map(NodeIndex, NodeIndex),
    Channel(ChannelDirection, NodeIndex),
    Struct {
        /// The package that the field names belong to.
        package: Symbol,
        fields: Vec<FieldNode>,
    },
    Signature {
        type_parameters: Vec<NodeIndex>,
        receiver_type_parameters: Vec<NodeIndex>,
        parameters: Vec<(Symbol, NodeIndex)>,
        results: Vec<(Symbol, NodeIndex)>,
        variadic: bool,
    },
    Union(Vec<(bool, NodeIndex)>),
    Interface {
        /// The package that the method names belong to.
        package: Symbol,
        /// The defined type whose methods these are; the interface itself where there is none.
        receiver: Option<NodeIndex>,
        methods: Vec<(Symbol, NodeIndex)>,
        embeddeds: Vec<NodeIndex>,
        implicit: bool,
        /// The type parameter that it is written behind as its bound, only to tell it from others:
        /// lists print `[A, B ~int]` for one bound and `[A ~int, B ~int]` for two equal ones.
        bound_of: Option<String>,
    },
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct FieldNode {
    pub(super) name: Symbol,
    pub(super) field_type: NodeIndex,
    pub(super) embedded: bool,
    pub(super) tag: Option<Box<str>>,
}

/// Type parameters with their bounds.
pub(super) type Bounds = Vec<(NodeIndex, NodeIndex)>;

/// A package-level declaration.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ObjectRecord {
    pub(super) name: Symbol,
    pub(super) body: Body,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Body {
    Constant {
        constant_type: NodeIndex,
        /// As `value::write` writes it.
        value: Vec<u8>,
    },
    Variable(NodeIndex),
    Function {
        bounds: Bounds,
        signature: NodeIndex,
    },
    Defined {
        bounds: Bounds,
        right_hand_side: NodeIndex,
        methods: Vec<MethodRecord>,
    },
    Alias {
        bounds: Bounds,
        right_hand_side: NodeIndex,
    },
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct MethodRecord {
    pub(super) name: Symbol,
    pub(super) receiver: NodeIndex,
    pub(super) receiver_name: Symbol,
    pub(super) bounds: Bounds,
    pub(super) signature: NodeIndex,
}

/// The declarations of a package on all platforms.
pub(super) struct PackageModel {
    pub(super) name: Symbol,
    /// The platforms that have it, a bit each.
    pub(super) platforms: u64,
    pub(super) nodes: Vec<Node>,
    node_of: FxHashMap<Node, NodeIndex>,
    /// Declarations, and the platforms that have them.
    pub(super) objects: Vec<(ObjectRecord, u64)>,
    object_of: FxHashMap<ObjectRecord, usize>,
}

impl PackageModel {
    pub(super) fn new(name: Symbol) -> PackageModel {
        PackageModel {
            name,
            platforms: 0,
            nodes: Vec::new(),
            node_of: FxHashMap::default(),
            objects: Vec::new(),
            object_of: FxHashMap::default(),
        }
    }

    pub(super) fn node(&mut self, node: Node) -> NodeIndex {
        if let Some(&index) = self.node_of.get(&node) {
            return index;
        }
        let index = PREDECLARED + self.nodes.len() as u32;
        self.nodes.push(node.clone());
        self.node_of.insert(node, index);
        index
    }

    pub(super) fn object(&mut self, object: ObjectRecord, platform: u64) {
        match self.object_of.get(&object) {
            Some(&index) => self.objects[index].1 |= platform,
            None => {
                self.object_of.insert(object.clone(), self.objects.len());
                self.objects.push((object, platform));
            }
        }
    }
}

impl Node {
    /// Calls `visit` with each type that this one is made of.
    pub(super) fn children(&self, visit: &mut dyn FnMut(NodeIndex)) {
        match self {
            Node::Declared { .. } | Node::TypeParameter { .. } => {}
            Node::Instance { origin, arguments } => {
                visit(*origin);
                arguments.iter().copied().for_each(visit);
            }
            Node::Array { element, .. }
            | Node::Slice(element)
            | Node::Pointer(element)
            | Node::Channel(_, element) => visit(*element),
            Node::Map(key, element) => {
                visit(*key);
                visit(*element);
            }
            Node::Struct { fields, .. } => fields.iter().for_each(|field| visit(field.field_type)),
            Node::Signature {
                type_parameters,
                receiver_type_parameters,
                parameters,
                results,
                ..
            } => {
                type_parameters.iter().copied().for_each(&mut *visit);
                receiver_type_parameters
                    .iter()
                    .copied()
                    .for_each(&mut *visit);
                parameters.iter().for_each(|(_, part)| visit(*part));
                results.iter().for_each(|(_, part)| visit(*part));
            }
            Node::Union(terms) => terms.iter().for_each(|(_, term)| visit(*term)),
            Node::Interface {
                receiver,
                methods,
                embeddeds,
                ..
            } => {
                receiver.iter().copied().for_each(&mut *visit);
                methods.iter().for_each(|(_, method)| visit(*method));
                embeddeds.iter().copied().for_each(visit);
            }
        }
    }

    /// The other package that it names, if any.
    pub(super) fn package(&self) -> Option<Symbol> {
        match self {
            Node::Declared { package, .. }
            | Node::Struct { package, .. }
            | Node::Interface { package, .. } => Some(*package),
            _ => None,
        }
    }
}

impl Body {
    /// What kind of declaration it is, as it is written.
    pub(super) fn tag(&self) -> u8 {
        match self {
            Body::Constant { .. } => head_tag::CONSTANT,
            Body::Variable(_) => head_tag::VARIABLE,
            Body::Function { .. } => head_tag::FUNCTION,
            Body::Defined { .. } => head_tag::DEFINED,
            Body::Alias { .. } => head_tag::ALIAS,
        }
    }

    /// Calls `visit` with each type that the declaration is made of.
    pub(super) fn types(&self, visit: &mut dyn FnMut(NodeIndex)) {
        let bounds_of = |bounds: &Bounds, visit: &mut dyn FnMut(NodeIndex)| {
            for (parameter, bound) in bounds {
                visit(*parameter);
                visit(*bound);
            }
        };
        match self {
            Body::Constant { constant_type, .. } => visit(*constant_type),
            Body::Variable(variable_type) => visit(*variable_type),
            Body::Function { bounds, signature } => {
                bounds_of(bounds, visit);
                visit(*signature);
            }
            Body::Defined {
                bounds,
                right_hand_side,
                methods,
            } => {
                bounds_of(bounds, visit);
                visit(*right_hand_side);
                for method in methods {
                    bounds_of(&method.bounds, visit);
                    visit(method.receiver);
                    visit(method.signature);
                }
            }
            Body::Alias {
                bounds,
                right_hand_side,
            } => {
                bounds_of(bounds, visit);
                visit(*right_hand_side);
            }
        }
    }
}
