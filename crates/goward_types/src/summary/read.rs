//! From the bytes of a summary to packages in a world, one at a time, when they are asked for.

use std::sync::OnceLock;

use goward_syntax::{ChannelDirection, Symbol};
use rustc_hash::FxHashMap;

use super::archive::{Summary, strings};
use super::collect::predeclared_types;
use super::model::{FIRST_NOT_BASIC, PREDECLARED};
use super::wire::{Damage, Reader};
use super::{SummaryError, flag, head_tag, node_tag, value};
use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::object::{Object, ObjectKind, VariableKind};
use crate::types::{Parameter, Signature, Type, UnionTerm};
use crate::world::World;

/// The packages of a summary in one world, for one platform. Those that are asked for are read, with
/// those whose types they name; on any thread.
pub struct SummaryPackages<'a> {
    summary: &'a Summary<'a>,
    platform: usize,
    read: Vec<OnceLock<Result<PackageId, SummaryError>>>,
}

impl<'a> SummaryPackages<'a> {
    /// Nothing is read yet. `platform` is a number from [`Summary::platform`].
    pub fn new(summary: &'a Summary<'a>, platform: usize) -> SummaryPackages<'a> {
        let count = summary.packages.len();
        SummaryPackages {
            summary,
            platform,
            read: (0..count).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The package with this import path, in a world that must always be the same; `None` where
    /// there is no such package. An error says that the summary is damaged.
    pub fn import(&self, world: &World, path: &str) -> Result<Option<PackageId>, SummaryError> {
        let Some(wanted) = self.summary.find(path, self.platform) else {
            return Ok(None);
        };
        // Imports have lower numbers: the packages that are needed are found from above and read
        // from below, and nobody waits for somebody who waits.
        let mut needed = vec![wanted];
        let mut seen = vec![false; wanted + 1];
        let mut next = 0;
        while let Some(&number) = needed.get(next) {
            next += 1;
            for &import in &self.summary.packages[number].imports {
                let entry = &self.summary.packages[import];
                if !std::mem::replace(&mut seen[import], true)
                    && entry.is_on(self.platform)
                    && self.read[import].get().is_none()
                {
                    needed.push(import);
                }
            }
        }
        needed.sort_unstable();
        for number in needed {
            let package = self.read[number].get_or_init(|| self.read_package(world, number));
            if number == wanted {
                return package.clone().map(Some);
            }
        }
        Ok(None)
    }

    fn read_package(&self, world: &World, number: usize) -> Result<PackageId, SummaryError> {
        let entry = &self.summary.packages[number];
        let read = || {
            let bytes = entry.unpack()?;
            let id = world.new_package(entry.path, Vec::new(), false);
            let mut packages = vec![Some(id)];
            packages.extend(entry.imports.iter().map(|&import| {
                let package = self.read[import].get().and_then(|read| read.as_ref().ok());
                package.copied()
            }));
            PackageReader::read(world, &bytes, packages, self.platform)?;
            Ok(id)
        };
        read().map_err(|cause| SummaryError {
            package: Some(entry.path.to_owned()),
            cause,
        })
    }
}

/// Objects of a summary have no place in a source file. These numbers are none of any file, but
/// keep the order of declaration.
const NO_FILE: u32 = u32::MAX;
const FIRST_OFFSET: u32 = 0xF000_0000;

/// A part of a package: what one set of platforms declares.
struct Part<'b> {
    /// Whether the platform is in the set.
    wanted: bool,
    object_count: usize,
    node_count: usize,
    heads: Reader<'b>,
    types: Reader<'b>,
    bodies: Reader<'b>,
    /// The objects that the heads announce.
    objects: Vec<ObjectId>,
}

/// Makes the object of a declaration of which only the kind and the name were read.
fn announce(
    world: &World,
    tag: u8,
    name: Symbol,
    package: Option<PackageId>,
    place: (u32, u32),
) -> Result<ObjectId, Damage> {
    let kind = match tag {
        head_tag::CONSTANT => ObjectKind::Constant,
        head_tag::VARIABLE => ObjectKind::Variable(VariableKind::Package),
        head_tag::FUNCTION => ObjectKind::Function,
        head_tag::DEFINED | head_tag::ALIAS => ObjectKind::TypeName,
        _ => return Err("a declaration in it is of no known kind"),
    };
    let object = Object::new(kind, name, package, place, None);
    object.set_package_level();
    let id = world.add_object(object);
    let object = world.object(id);
    match tag {
        head_tag::DEFINED => object.set_type(world.new_named(id)),
        head_tag::ALIAS => {
            object.set_alias_declaration();
            object.set_type(world.new_alias(id));
        }
        _ => {}
    }
    Ok(id)
}

/// Reads the kinds and names of what a stored package declares.
pub(super) fn stored_heads(
    world: &World,
    package: PackageId,
    reader: &mut Reader<'_>,
) -> Result<(FxHashMap<Symbol, ObjectId>, Vec<ObjectId>), Damage> {
    let count = reader.count()?;
    let mut scope = FxHashMap::with_capacity_and_hasher(count, Default::default());
    let mut objects = Vec::with_capacity(count);
    for offset in (FIRST_OFFSET..).take(count) {
        let tag = reader.byte()?;
        let name = Symbol::intern(reader.utf8()?);
        let object = announce(world, tag, name, Some(package), (NO_FILE, offset))?;
        if scope.insert(name, object).is_some() {
            return Err("a name is declared twice in it");
        }
        objects.push(object);
    }
    Ok((scope, objects))
}

pub(super) struct PackageReader<'w, 'b> {
    world: &'w World,
    /// The package itself, then its imports; `None` for those that the platform does not have.
    packages: Vec<Option<PackageId>>,
    strings: Vec<&'b str>,
    symbols: Vec<Option<Symbol>>,
    /// What the heads announce; of stored packages the scope of the package, which was set before.
    scope: FxHashMap<Symbol, ObjectId>,
    /// Types by number, without the predeclared ones; `None` on other platforms.
    types: Vec<Option<TypeId>>,
    predeclared: [TypeId; 5],
    /// Instances of aliases, which can be put in only when all aliases are declared.
    alias_instances: Vec<(TypeId, Vec<TypeId>)>,
    /// Type parameters that no list has yet.
    free_type_parameters: Vec<TypeId>,
    next_offset: u32,
    /// Whether unknown types may be in it: what was checked without all that it imports.
    may_be_unknown: bool,
}

impl<'w, 'b> PackageReader<'w, 'b> {
    fn read(
        world: &'w World,
        bytes: &'b [u8],
        packages: Vec<Option<PackageId>>,
        platform: usize,
    ) -> Result<(), Damage> {
        let mut reader = Reader::new(bytes);
        let name = reader.number()?;
        let strings = strings(&mut reader)?;
        let package = packages
            .first()
            .copied()
            .flatten()
            .ok_or("it has no package")?;
        let mut package_reader = PackageReader::new(world, packages, strings);
        let name = package_reader.symbol(name)?;
        world.package(package).set_name(name);
        let mut parts = Vec::new();
        for _ in 0..reader.count()? {
            let platforms = reader.number()?;
            parts.push(Part {
                wanted: platforms >> platform & 1 != 0,
                object_count: reader.count()?,
                node_count: reader.count()?,
                heads: Reader::new(reader.text()?),
                types: Reader::new(reader.text()?),
                bodies: Reader::new(reader.text()?),
                objects: Vec::new(),
            });
        }
        if !reader.is_empty() {
            return Err("something follows its end");
        }
        for part in parts.iter_mut().filter(|part| part.wanted) {
            for _ in 0..part.object_count {
                let object = package_reader.head(&mut part.heads)?;
                part.objects.push(object);
            }
        }
        for part in &mut parts {
            if !part.wanted {
                let length = package_reader.types.len() + part.node_count;
                package_reader.types.resize(length, None);
                continue;
            }
            for _ in 0..part.node_count {
                let read = package_reader.node(&mut part.types)?;
                package_reader.types.push(Some(read));
            }
        }
        for part in parts.iter_mut().filter(|part| part.wanted) {
            for &object in &part.objects {
                package_reader.body(object, &mut part.bodies)?;
            }
            if !(part.heads.is_empty() && part.types.is_empty() && part.bodies.is_empty()) {
                return Err("a part of it is too long");
            }
        }
        package_reader.finish(package)
    }

    fn new(
        world: &'w World,
        packages: Vec<Option<PackageId>>,
        strings: Vec<&'b str>,
    ) -> PackageReader<'w, 'b> {
        PackageReader {
            world,
            symbols: vec![None; strings.len()],
            strings,
            packages,
            scope: FxHashMap::default(),
            types: Vec::new(),
            predeclared: predeclared_types(world),
            alias_instances: Vec::new(),
            free_type_parameters: Vec::new(),
            next_offset: FIRST_OFFSET,
            may_be_unknown: false,
        }
    }

    /// Reads what the heads of a stored package left out.
    pub(super) fn read_stored(
        world: &'w World,
        packages: Vec<Option<PackageId>>,
        objects: &[ObjectId],
        mut reader: Reader<'b>,
    ) -> Result<(), Damage> {
        let strings = strings(&mut reader)?;
        let mut package_reader = PackageReader::new(world, packages, strings);
        package_reader.may_be_unknown = true;
        package_reader.next_offset += objects.len() as u32;
        for _ in 0..reader.count()? {
            let read = package_reader.node(&mut reader)?;
            package_reader.types.push(Some(read));
        }
        for &object in objects {
            package_reader.body(object, &mut reader)?;
        }
        match reader.is_empty() {
            true => package_reader.instantiate_aliases(),
            false => Err("something follows its end"),
        }
    }

    fn finish(mut self, package: PackageId) -> Result<(), Damage> {
        self.instantiate_aliases()?;
        let package = self.world.package(package);
        package.set_scope(self.scope);
        package.settle();
        Ok(())
    }

    fn instantiate_aliases(&mut self) -> Result<(), Damage> {
        let world = self.world;
        if !self.free_type_parameters.is_empty() {
            return Err("a type parameter belongs to nothing");
        }
        for (origin, arguments) in std::mem::take(&mut self.alias_instances) {
            if world.type_parameters(origin).len() != arguments.len() {
                return Err("an alias has another number of type arguments than parameters");
            }
            world.new_alias_instance(origin, arguments.into(), 0);
        }
        Ok(())
    }

    fn package(&self) -> Option<PackageId> {
        self.packages.first().copied().flatten()
    }

    fn place(&mut self) -> (u32, u32) {
        let offset = self.next_offset;
        self.next_offset = offset.saturating_add(1);
        (NO_FILE, offset)
    }

    fn symbol(&mut self, number: u64) -> Result<Symbol, Damage> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match self.symbols.get_mut(index) {
            Some(Some(symbol)) => Ok(*symbol),
            Some(empty) => Ok(*empty.insert(Symbol::intern(self.strings[index]))),
            None => Err("a name in it is not in its list"),
        }
    }

    fn name(&mut self, reader: &mut Reader<'b>) -> Result<Symbol, Damage> {
        let number = reader.number()?;
        self.symbol(number)
    }

    fn package_reference(&self, reader: &mut Reader<'b>) -> Result<PackageId, Damage> {
        let index = reader.index(self.packages.len())?;
        self.packages[index].ok_or("a package that it names is not there")
    }

    /// A type by its number.
    fn typ(&self, reader: &mut Reader<'b>) -> Result<TypeId, Damage> {
        const NOWHERE: Damage = "a type that it names is not there";
        let number = u32::try_from(reader.number()?).map_err(|_| NOWHERE)?;
        if let Some(own) = number.checked_sub(PREDECLARED) {
            return self
                .types
                .get(own as usize)
                .copied()
                .flatten()
                .ok_or(NOWHERE);
        }
        match number.checked_sub(FIRST_NOT_BASIC) {
            Some(other) => Ok(self.predeclared[other as usize]),
            None if number == 0 && !self.may_be_unknown => Err(NOWHERE),
            None => Ok(TypeId::new(TypeKind::Basic, number as usize)),
        }
    }

    fn types(&self, reader: &mut Reader<'b>) -> Result<Vec<TypeId>, Damage> {
        let count = reader.count()?;
        (0..count).map(|_| self.typ(reader)).collect()
    }

    fn type_of_kind(&self, kind: TypeKind, reader: &mut Reader<'b>) -> Result<TypeId, Damage> {
        match self.typ(reader)? {
            found if found.kind() == kind => Ok(found),
            _ => Err("a type in it is not of the kind that belongs there"),
        }
    }

    fn type_parameters(&self, reader: &mut Reader<'b>) -> Result<Box<[TypeId]>, Damage> {
        let count = reader.count()?;
        (0..count)
            .map(|_| self.type_of_kind(TypeKind::TypeParameter, reader))
            .collect()
    }

    fn parameters(&mut self, reader: &mut Reader<'b>) -> Result<Box<[Parameter]>, Damage> {
        let count = reader.count()?;
        (0..count)
            .map(|_| {
                Ok(Parameter {
                    name: self.name(reader)?,
                    parameter_type: self.typ(reader)?,
                })
            })
            .collect()
    }

    fn head(&mut self, reader: &mut Reader<'b>) -> Result<ObjectId, Damage> {
        let tag = reader.byte()?;
        let name = self.name(reader)?;
        let place = self.place();
        let package = self.package();
        let id = announce(self.world, tag, name, package, place)?;
        match self.scope.insert(name, id) {
            None => Ok(id),
            Some(_) => Err("a name is declared twice in it"),
        }
    }

    fn node(&mut self, reader: &mut Reader<'b>) -> Result<TypeId, Damage> {
        let world = self.world;
        Ok(match reader.byte()? {
            node_tag::DECLARED => self.declared(reader)?,
            node_tag::INSTANCE => self.instance(reader)?,
            node_tag::TYPE_PARAMETER => {
                let name = self.name(reader)?;
                let place = self.place();
                let object = Object::new(ObjectKind::TypeName, name, self.package(), place, None);
                let object = world.add_object(object);
                let parameter = world.new_type_parameter(object, TypeId::UNKNOWN);
                world.object(object).set_type(parameter);
                self.free_type_parameters.push(parameter);
                parameter
            }
            node_tag::ARRAY => {
                let length = reader.signed()?;
                world.new_array(length.max(-1), self.typ(reader)?)
            }
            node_tag::SLICE => world.new_slice(self.typ(reader)?),
            node_tag::POINTER => world.new_pointer(self.typ(reader)?),
            node_tag::MAP => {
                let key = self.typ(reader)?;
                world.new_map(key, self.typ(reader)?)
            }
            node_tag::CHANNEL => world.new_channel(ChannelDirection::Both, self.typ(reader)?),
            node_tag::SEND_CHANNEL => world.new_channel(ChannelDirection::Send, self.typ(reader)?),
            node_tag::RECEIVE_CHANNEL => {
                world.new_channel(ChannelDirection::Receive, self.typ(reader)?)
            }
            node_tag::STRUCT => self.structure(reader)?,
            node_tag::SIGNATURE => self.signature(reader)?,
            node_tag::UNION => {
                let count = reader.count()?;
                let terms = (0..count).map(|_| {
                    Ok(UnionTerm {
                        tilde: reader.byte()? != 0,
                        term_type: self.typ(reader)?,
                    })
                });
                world.new_union(terms.collect::<Result<_, Damage>>()?)
            }
            node_tag::INTERFACE => self.interface(reader)?,
            _ => return Err("a type in it is of no known kind"),
        })
    }

    fn declared(&mut self, reader: &mut Reader<'b>) -> Result<TypeId, Damage> {
        let package = self.package_reference(reader)?;
        let name = self.name(reader)?;
        let own = Some(package) == self.package();
        let own = own.then(|| self.scope.get(&name).copied()).flatten();
        let object = own.or_else(|| {
            self.world.announce(package);
            self.world.package(package).lookup(name)
        });
        let object = object.map(|object| self.world.object(object));
        let object = object.filter(|object| object.kind == ObjectKind::TypeName);
        object
            .and_then(Object::raw_type)
            .ok_or("a type that it names is not declared")
    }

    fn instance(&mut self, reader: &mut Reader<'b>) -> Result<TypeId, Damage> {
        let world = self.world;
        let origin = self.typ(reader)?;
        let arguments = self.types(reader)?;
        match world.get(origin) {
            Type::Named(named) if named.origin.is_none() => {}
            Type::Alias(alias) if alias.origin.is_none() => {
                self.alias_instances.push((origin, arguments.clone()));
            }
            _ => return Err("an instance in it is of nothing that has instances"),
        }
        Ok(world.new_instance(origin, arguments.into()))
    }

    fn structure(&mut self, reader: &mut Reader<'b>) -> Result<TypeId, Damage> {
        let package = self.package_reference(reader)?;
        let count = reader.count()?;
        let mut fields = Vec::with_capacity(count);
        let mut tags: Vec<Option<Box<str>>> = Vec::new();
        for index in 0..count {
            let flags = reader.byte()?;
            let name = self.name(reader)?;
            let field_type = self.typ(reader)?;
            let place = self.place();
            let field = self.world.new_variable(
                VariableKind::Field,
                name,
                Some(package),
                place,
                Some(field_type),
            );
            if flags & flag::EMBEDDED != 0 {
                self.world.object(field).set_embedded();
            }
            if flags & flag::TAGGED != 0 {
                tags.resize(index, None);
                tags.push(Some(reader.utf8()?.into()));
            }
            fields.push(field);
        }
        Ok(self.world.new_struct(fields.into(), tags.into()))
    }

    fn signature(&mut self, reader: &mut Reader<'b>) -> Result<TypeId, Damage> {
        let flags = reader.byte()?;
        let (type_parameters, receiver_type_parameters) = match flags & flag::GENERIC {
            0 => Default::default(),
            _ => (self.type_parameters(reader)?, self.type_parameters(reader)?),
        };
        let parameters = self.parameters(reader)?;
        let results = self.parameters(reader)?;
        let variadic = flags & flag::VARIADIC != 0;
        let last = parameters.last().map(|last| last.parameter_type.kind());
        if variadic && last != Some(TypeKind::Slice) {
            return Err("the last parameter of a variadic function is no slice");
        }
        Ok(self.world.new_signature(Signature {
            type_parameters,
            receiver_type_parameters,
            parameters: self.world.new_tuple(parameters),
            results: self.world.new_tuple(results),
            variadic,
        }))
    }

    fn interface(&mut self, reader: &mut Reader<'b>) -> Result<TypeId, Damage> {
        let world = self.world;
        let flags = reader.byte()?;
        let package = self.package_reference(reader)?;
        let receiver = match flags & flag::RECEIVER {
            0 => None,
            _ => Some(self.type_of_kind(TypeKind::Named, reader)?),
        };
        let count = reader.count()?;
        let mut methods = Vec::with_capacity(count);
        for _ in 0..count {
            let name = self.name(reader)?;
            let signature = self.type_of_kind(TypeKind::Signature, reader)?;
            let place = self.place();
            let method = Object::new(
                ObjectKind::Function,
                name,
                Some(package),
                place,
                Some(signature),
            );
            methods.push(world.add_object(method));
        }
        let embeddeds = self.types(reader)?;
        let implicit = flags & flag::IMPLICIT != 0;
        let interface = world.new_interface(methods.as_slice().into(), embeddeds.into(), implicit);
        for method in methods {
            world
                .object(method)
                .set_receiver(receiver.unwrap_or(interface));
        }
        Ok(interface)
    }

    /// Reads the bounds of type parameters, and gives the list that they are.
    fn bounds(&mut self, reader: &mut Reader<'b>) -> Result<Vec<TypeId>, Damage> {
        let count = reader.count()?;
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            let parameter = self.type_of_kind(TypeKind::TypeParameter, reader)?;
            let bound = self.typ(reader)?;
            let free = self.free_type_parameters.iter();
            let Some(position) = free.clone().position(|&free| free == parameter) else {
                return Err("a type parameter belongs to two declarations");
            };
            self.free_type_parameters.swap_remove(position);
            self.world.set_bound(parameter, bound);
            list.push(parameter);
        }
        self.world.bind_type_parameters(&list);
        Ok(list)
    }

    fn body(&mut self, id: ObjectId, reader: &mut Reader<'b>) -> Result<(), Damage> {
        let world = self.world;
        let object = world.object(id);
        match object.kind {
            ObjectKind::Constant => {
                object.set_type(self.typ(reader)?);
                object.set_constant(value::read(reader)?);
            }
            ObjectKind::Function => {
                self.bounds(reader)?;
                object.set_type(self.type_of_kind(TypeKind::Signature, reader)?);
            }
            ObjectKind::TypeName => {
                let own = object.raw_type().ok_or("a type in it has no name")?;
                let parameters = self.bounds(reader)?;
                if !parameters.is_empty() {
                    world.set_type_parameters(own, parameters.into());
                }
                world.set_right_hand_side(own, self.typ(reader)?);
                if let Some(named) = world.as_named(own) {
                    let count = reader.count()?;
                    let methods: Result<Box<[ObjectId]>, Damage> =
                        (0..count).map(|_| self.method(reader)).collect();
                    let methods = methods?;
                    if !methods.is_empty() {
                        let _ = named.methods.set(methods);
                    }
                }
            }
            _ => object.set_type(self.typ(reader)?),
        }
        Ok(())
    }

    fn method(&mut self, reader: &mut Reader<'b>) -> Result<ObjectId, Damage> {
        let world = self.world;
        let name = self.name(reader)?;
        let receiver = self.typ(reader)?;
        let receiver_name = self.name(reader)?;
        self.bounds(reader)?;
        let signature = self.type_of_kind(TypeKind::Signature, reader)?;
        let place = self.place();
        let method = Object::new(
            ObjectKind::Function,
            name,
            self.package(),
            place,
            Some(signature),
        );
        method.set_receiver(receiver);
        method.set_receiver_name(receiver_name);
        if receiver.kind() == TypeKind::Pointer {
            method.set_pointer_receiver();
        }
        Ok(world.add_object(method))
    }
}
