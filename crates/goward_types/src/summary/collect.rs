//! From a checked package in a world to its [`PackageModel`].

use goward_syntax::Symbol;
use rustc_hash::FxHashMap;

use super::model::{
    Body, Bounds, FIRST_NOT_BASIC, FieldNode, MethodRecord, Node, NodeIndex, ObjectRecord,
    PackageModel, UNKNOWN,
};
use super::value;
use super::wire::Writer;
use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::object::ObjectKind;
use crate::types::{Interface, StructType, Type};
use crate::world::World;

struct Collector<'w, 'm> {
    world: &'w World,
    package: PackageId,
    model: &'m mut PackageModel,
    known: FxHashMap<TypeId, NodeIndex>,
    may_be_unknown: bool,
}

/// Adds what importers can see of a package: all that is exported, and all its types. What is wrong
/// with it comes back as a text; so does an unknown type, unless there may be some.
pub(super) fn collect(
    world: &World,
    package: PackageId,
    platform: u64,
    model: &mut PackageModel,
    may_be_unknown: bool,
) -> Result<(), String> {
    model.platforms |= platform;
    let mut collector = Collector {
        world,
        package,
        model,
        known: FxHashMap::default(),
        may_be_unknown,
    };
    for (name, object) in world.package(package).names() {
        let is_type = world.object(object).kind == ObjectKind::TypeName;
        if !is_type && !world.object(object).is_exported() {
            continue;
        }
        let body = collector
            .body(object)
            .map_err(|cause| format!("{}.{name}: {cause}", world.package(package).path))?;
        let record = ObjectRecord { name, body };
        collector.model.object(record, platform);
    }
    Ok(())
}

impl Collector<'_, '_> {
    fn body(&mut self, id: ObjectId) -> Result<Body, String> {
        let world = self.world;
        let object = world.object(id);
        let declared = world.object_type(id);
        Ok(match object.kind {
            ObjectKind::Constant => {
                let mut writer = Writer::default();
                value::write(object.constant(), &mut writer);
                Body::Constant {
                    constant_type: self.node(declared)?,
                    value: writer.bytes,
                }
            }
            ObjectKind::Variable(_) => Body::Variable(self.node(declared)?),
            ObjectKind::Function => Body::Function {
                bounds: self.bounds(world.type_parameters(declared), object.name.as_str())?,
                signature: self.signature(declared)?,
            },
            ObjectKind::TypeName => {
                let bounds = self.bounds(world.type_parameters(declared), object.name.as_str())?;
                let right = world
                    .right_hand_side(declared)
                    .ok_or("it is not declared as anything")?;
                let right_hand_side = self.node(right)?;
                match world.get(declared) {
                    Type::Named(named) if named.object == id => Body::Defined {
                        bounds,
                        right_hand_side,
                        methods: self.methods(declared, object.name)?,
                    },
                    Type::Alias(alias) if alias.object == id => Body::Alias {
                        bounds,
                        right_hand_side,
                    },
                    _ => return Err("it is neither a defined type nor an alias".to_owned()),
                }
            }
            _ => return Err("it cannot be declared at package level".to_owned()),
        })
    }

    /// Declares type parameters, then looks at their bounds, which may refer to them.
    fn bounds(&mut self, list: &[TypeId], owner: &str) -> Result<Bounds, String> {
        for (index, &parameter) in list.iter().enumerate() {
            let Type::TypeParameter(view) = self.world.get(parameter) else {
                return Err("a type parameter is none".to_owned());
            };
            let node = self.model.node(Node::TypeParameter {
                owner: format!("{owner}#{index}"),
                name: self.world.object(view.object).name,
            });
            self.known.insert(parameter, node);
        }
        list.iter()
            .enumerate()
            .map(|(index, &parameter)| {
                let bound = self.world.bound(parameter);
                if let Type::Interface(interface) = self.world.get(bound)
                    && predeclared(self.world, bound).is_none()
                    && !self.known.contains_key(&bound)
                {
                    let owner = Some(format!("{owner}#{index}"));
                    let node = self.interface(bound, interface, owner)?;
                    let node = self.model.node(node);
                    self.known.insert(bound, node);
                }
                Ok((self.known[&parameter], self.node(bound)?))
            })
            .collect()
    }

    fn methods(&mut self, declared: TypeId, owner: Symbol) -> Result<Vec<MethodRecord>, String> {
        let world = self.world;
        let methods = world.declared_methods(declared);
        methods
            .iter()
            .map(|&method| {
                let object = world.object(method);
                let signature = world.object_type(method);
                let parameters = world
                    .as_signature(signature)
                    .map(|signature| &*signature.receiver_type_parameters)
                    .ok_or("a method has no signature")?;
                let owner = format!("{owner}.{}", object.name);
                Ok(MethodRecord {
                    name: object.name,
                    bounds: self.bounds(parameters, &owner)?,
                    receiver: self.node(object.receiver().ok_or("a method has no receiver")?)?,
                    receiver_name: object.receiver_name(),
                    signature: self.signature(signature)?,
                })
            })
            .collect()
    }

    fn list(&mut self, list: &[TypeId]) -> Result<Vec<NodeIndex>, String> {
        list.iter().map(|&member| self.node(member)).collect()
    }

    fn tuple(&mut self, tuple: TypeId) -> Result<Vec<(Symbol, NodeIndex)>, String> {
        let parameters = self.world.tuple(tuple).iter();
        parameters
            .map(|parameter| Ok((parameter.name, self.node(parameter.parameter_type)?)))
            .collect()
    }

    fn signature(&mut self, id: TypeId) -> Result<NodeIndex, String> {
        match id.kind() {
            TypeKind::Signature => self.node(id),
            _ => Err("the type of a function is not known".to_owned()),
        }
    }

    fn node(&mut self, id: TypeId) -> Result<NodeIndex, String> {
        if let Some(index) = predeclared(self.world, id) {
            return Ok(index);
        }
        if id == TypeId::UNKNOWN && self.may_be_unknown {
            return Ok(UNKNOWN);
        }
        if let Some(&index) = self.known.get(&id) {
            return Ok(index);
        }
        let node = self.form(id)?;
        let index = self.model.node(node);
        self.known.insert(id, index);
        Ok(index)
    }

    fn form(&mut self, id: TypeId) -> Result<Node, String> {
        let world = self.world;
        Ok(match world.get(id) {
            Type::Basic(_) => return Err("an unknown type is in it".to_owned()),
            Type::Array { length, element } => Node::Array {
                length,
                element: self.node(element)?,
            },
            Type::Slice { element } => Node::Slice(self.node(element)?),
            Type::Pointer { base } => Node::Pointer(self.node(base)?),
            Type::Map { key, element } => Node::Map(self.node(key)?, self.node(element)?),
            Type::Channel { direction, element } => Node::Channel(direction, self.node(element)?),
            Type::Struct(structure) => self.structure(structure)?,
            Type::Signature(signature)
                if signature.variadic
                    && world
                        .tuple(signature.parameters)
                        .last()
                        .is_none_or(|last| last.parameter_type.kind() != TypeKind::Slice) =>
            {
                return Err("a variadic parameter is not known".to_owned());
            }
            Type::Signature(signature) => Node::Signature {
                type_parameters: self.list(&signature.type_parameters)?,
                receiver_type_parameters: self.list(&signature.receiver_type_parameters)?,
                parameters: self.tuple(signature.parameters)?,
                results: self.tuple(signature.results)?,
                variadic: signature.variadic,
            },
            Type::Union(terms) => {
                let terms = terms.iter();
                let terms = terms.map(|term| Ok((term.tilde, self.node(term.term_type)?)));
                Node::Union(terms.collect::<Result<_, String>>()?)
            }
            Type::Interface(interface) => self.interface(id, interface, None)?,
            Type::Named(named) => match named.origin {
                Some(origin) => self.instance(origin, &named.arguments)?,
                None => self.declared(named.object, id)?,
            },
            Type::Alias(alias) => match alias.origin {
                Some(origin) => self.instance(origin, &alias.arguments)?,
                None => self.declared(alias.object, id)?,
            },
            Type::TypeParameter(_) => return Err("a type parameter is out of place".to_owned()),
            Type::Tuple(_) => return Err("a list of types is out of place".to_owned()),
        })
    }

    fn instance(&mut self, origin: TypeId, arguments: &[TypeId]) -> Result<Node, String> {
        if self.world.type_parameters(origin).len() != arguments.len() {
            return Err("an instance has another number of arguments".to_owned());
        }
        Ok(Node::Instance {
            origin: self.node(origin)?,
            arguments: self.list(arguments)?,
        })
    }

    /// The name of a type that its package has under this name.
    fn declared(&self, object: ObjectId, id: TypeId) -> Result<Node, String> {
        let name = self.world.object(object).name;
        let package = self.world.object(object).package;
        let package = package.map(|package| self.world.package(package));
        match package {
            Some(package)
                if package
                    .lookup(name)
                    .is_some_and(|found| self.world.object_type(found) == id) =>
            {
                Ok(Node::Declared {
                    package: package.path,
                    name,
                })
            }
            _ => Err(format!("the type {name} is not at package level")),
        }
    }

    /// The package that all these members belong to; their names are compared with regard to it.
    fn package_of(&self, members: &[ObjectId]) -> Result<Symbol, String> {
        let package = match members.first() {
            Some(&first) => self.world.object(first).package,
            None => Some(self.package),
        };
        let same = |&member: &ObjectId| self.world.object(member).package == package;
        match package {
            Some(package) if members.iter().all(same) => Ok(self.world.package(package).path),
            _ => Err("members of a type belong to several packages".to_owned()),
        }
    }

    fn structure(&mut self, structure: &StructType) -> Result<Node, String> {
        let fields = structure.fields.iter().enumerate();
        let fields = fields.map(|(index, &field)| {
            let object = self.world.object(field);
            Ok(FieldNode {
                name: object.name,
                field_type: self.node(self.world.object_type(field))?,
                embedded: object.is_embedded(),
                tag: structure.tags.get(index).cloned().flatten(),
            })
        });
        Ok(Node::Struct {
            fields: fields.collect::<Result<_, String>>()?,
            package: self.package_of(&structure.fields)?,
        })
    }

    fn interface(
        &mut self,
        id: TypeId,
        interface: &Interface,
        bound_of: Option<String>,
    ) -> Result<Node, String> {
        let world = self.world;
        let receiver = interface.methods.first();
        let receiver = receiver.and_then(|&method| world.object(method).receiver());
        let receiver = match receiver.filter(|&receiver| receiver != id) {
            // Methods that were copied from another interface say so; it is not needed.
            Some(receiver) if receiver.kind() == TypeKind::Named => Some(self.node(receiver)?),
            _ => None,
        };
        let methods = interface.methods.iter();
        let methods = methods.map(|&method| {
            let signature = self.signature(world.object_type(method))?;
            Ok((world.object(method).name, signature))
        });
        Ok(Node::Interface {
            receiver,
            methods: methods.collect::<Result<_, String>>()?,
            embeddeds: self.list(&interface.embeddeds)?,
            implicit: interface.is_implicit(),
            package: self.package_of(&interface.methods)?,
            bound_of,
        })
    }
}

/// The number of a predeclared type.
fn predeclared(world: &World, id: TypeId) -> Option<NodeIndex> {
    if id.kind() == TypeKind::Basic {
        return id.is_known().then_some(id.index() as u32);
    }
    let position = predeclared_types(world)
        .into_iter()
        .position(|one| one == id);
    position.map(|position| FIRST_NOT_BASIC + position as u32)
}

/// The predeclared types that are not basic, by their numbers.
pub(super) fn predeclared_types(world: &World) -> [TypeId; 5] {
    let universe = world.universe();
    [
        universe.error,
        universe.any,
        universe.empty_interface,
        universe.written_empty_interface,
        universe.comparable,
    ]
}
