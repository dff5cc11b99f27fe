//! The world: the tables of all types, objects and packages that one run knows.
//!
//! Tables only grow, and what is in them does not move, so that many threads read while others add.
//! Types whose written form is their whole meaning (pointers, slices, signatures, instances …) are
//! hash-consed; struct and interface types are one for each place that writes them.
//!
//! Most objects are variables of functions. Nothing that a package shares with others refers to them
//! (parameters in types have names and types, and no objects), so each package keeps its own, and
//! they go when it does.

use std::hash::{Hash, Hasher};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use goward_syntax::{ChannelDirection, Symbol};
use hashbrown::HashTable;
use rustc_hash::{FxHashMap, FxHasher};

use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::object::{Object, ObjectKind, VariableKind};
use crate::sizes::Sizes;
use crate::summary::StoredPackages;
use crate::types::{
    Alias, Interface, Named, Parameter, Signature, StructType, Type, TypeCell, TypeParameter,
    UnionTerm,
};
use crate::typeset::TypeSet;
use crate::universe::Universe;

/// A package: its path, its name and what is declared in it.
#[derive(Debug)]
pub struct Package {
    pub path: Symbol,
    name: OnceLock<Symbol>,
    /// Base names of its files, in order; [`Object::file`] is an index into them.
    pub files: Vec<String>,
    /// Names declared at package level.
    scope: OnceLock<FxHashMap<Symbol, ObjectId>>,
    /// Whether what it declares is known; `false` of one that could not be found or checked, and
    /// nothing as long as it is not checked.
    declared: OnceLock<bool>,
    /// The number of a package whose declarations an earlier run wrote.
    stored: OnceLock<u32>,
}

impl Package {
    /// The name in its package clauses; for a package that is missing, the last part of its path.
    pub fn name(&self) -> Symbol {
        self.name.get().copied().unwrap_or(Symbol::EMPTY)
    }

    /// Whether it could not be found or checked: nothing is known of what it declares, whatever is
    /// looked up.
    pub fn is_missing(&self) -> bool {
        self.declared.get() == Some(&false)
    }

    /// Whether nothing more will be known of what it declares than is.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.declared.get().is_some()
    }

    /// Settles that nothing is known of what the package declares, unless it has been settled.
    pub fn give_up(&self) {
        let _ = self.declared.set(false);
    }

    /// Settles what the package declares.
    pub(crate) fn settle(&self) {
        let _ = self.declared.set(true);
    }

    /// The object declared at package level under `name`.
    pub fn lookup(&self, name: Symbol) -> Option<ObjectId> {
        self.scope.get()?.get(&name).copied()
    }

    /// Names declared at package level, sorted by text.
    pub fn names(&self) -> Vec<(Symbol, ObjectId)> {
        let mut names: Vec<_> = self
            .scope
            .get()
            .into_iter()
            .flatten()
            .map(|(&name, &object)| (name, object))
            .collect();
        names.sort_by_key(|(name, _)| name.as_str());
        names
    }

    /// Names a package that is yet to be checked; the first name stays.
    pub fn set_name(&self, name: Symbol) {
        let _ = self.name.set(name);
    }

    /// Whether its declarations are those that an earlier run wrote.
    pub fn is_stored(&self) -> bool {
        self.stored.get().is_some()
    }

    pub(crate) fn stored(&self) -> Option<u32> {
        self.stored.get().copied()
    }

    pub(crate) fn set_stored(&self, number: u32) {
        let _ = self.stored.set(number);
    }

    pub(crate) fn set_scope(&self, scope: FxHashMap<Symbol, ObjectId>) {
        let _ = self.scope.set(scope);
    }
}

/// What makes two types of this form one and the same id.
#[derive(PartialEq, Eq, Hash)]
enum Key<'t> {
    Array(i64, TypeId),
    Slice(TypeId),
    Pointer(TypeId),
    Map(TypeId, TypeId),
    Channel(ChannelDirection, TypeId),
    Tuple(&'t [Parameter]),
    Signature(&'t Signature),
    /// Origin and arguments of an instance of a defined type or alias.
    Instance(TypeId, &'t [TypeId]),
}

impl Key<'_> {
    fn hash(&self) -> u64 {
        let mut hasher = FxHasher::default();
        Hash::hash(self, &mut hasher);
        hasher.finish()
    }
}

/// Instances of generic function types by origin and arguments.
type SignatureInstances = FxHashMap<(TypeId, Box<[TypeId]>), TypeId>;

const SHARDS: usize = 16;

/// What all packages of a run share.
struct Tables {
    arrays: boxcar::Vec<(i64, TypeId)>,
    slices: boxcar::Vec<TypeId>,
    structs: boxcar::Vec<StructType>,
    pointers: boxcar::Vec<TypeId>,
    tuples: boxcar::Vec<Box<[Parameter]>>,
    signatures: boxcar::Vec<Signature>,
    unions: boxcar::Vec<Box<[UnionTerm]>>,
    interfaces: boxcar::Vec<Interface>,
    maps: boxcar::Vec<(TypeId, TypeId)>,
    channels: boxcar::Vec<(ChannelDirection, TypeId)>,
    named: boxcar::Vec<Named>,
    type_parameters: boxcar::Vec<TypeParameter>,
    aliases: boxcar::Vec<Alias>,
    /// The types that are one for each form. Their forms are in the tables above, so here are only
    /// their ids.
    interned: Vec<Mutex<HashTable<TypeId>>>,
    signature_instances: Mutex<SignatureInstances>,
    objects: boxcar::Vec<Object>,
    packages: boxcar::Vec<Package>,
    sizes: Sizes,
    /// Type sets of interfaces that were asked for too early; see [`World::type_set`].
    partial_type_sets: boxcar::Vec<TypeSet>,
    universe: OnceLock<Universe>,
    empty_tuple: OnceLock<TypeId>,
    /// Packages that need not be checked.
    stored: OnceLock<StoredPackages>,
}

/// All types, objects and packages that one run knows, as one of its packages sees them: together
/// with the variables of its own functions, which go with it. See the module's comment.
pub struct World {
    tables: Arc<Tables>,
    locals: boxcar::Vec<Object>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    /// A world with only the universe in it, for one architecture.
    pub fn new(sizes: Sizes) -> World {
        let tables = Tables {
            arrays: boxcar::Vec::new(),
            slices: boxcar::Vec::new(),
            structs: boxcar::Vec::new(),
            pointers: boxcar::Vec::new(),
            tuples: boxcar::Vec::new(),
            signatures: boxcar::Vec::new(),
            unions: boxcar::Vec::new(),
            interfaces: boxcar::Vec::new(),
            maps: boxcar::Vec::new(),
            channels: boxcar::Vec::new(),
            named: boxcar::Vec::new(),
            type_parameters: boxcar::Vec::new(),
            aliases: boxcar::Vec::new(),
            interned: (0..SHARDS).map(|_| Mutex::default()).collect(),
            signature_instances: Mutex::default(),
            objects: boxcar::Vec::new(),
            packages: boxcar::Vec::new(),
            sizes,
            partial_type_sets: boxcar::Vec::new(),
            universe: OnceLock::new(),
            empty_tuple: OnceLock::new(),
            stored: OnceLock::new(),
        };
        let world = World {
            tables: Arc::new(tables),
            locals: boxcar::Vec::new(),
        };
        let _ = world
            .tables
            .empty_tuple
            .set(world.new_tuple(Box::default()));
        let _ = world.tables.universe.set(Universe::new(&world));
        world
    }

    /// The same types and packages, for another package: without the variables of this one's
    /// functions.
    pub fn for_package(&self) -> World {
        World {
            tables: Arc::clone(&self.tables),
            locals: boxcar::Vec::new(),
        }
    }

    /// Sizes and alignments of the architecture that is checked for.
    pub fn sizes(&self) -> Sizes {
        self.tables.sizes
    }

    /// What an earlier run wrote of packages that need not be checked.
    pub(crate) fn stored(&self) -> &OnceLock<StoredPackages> {
        &self.tables.stored
    }

    /// What is predeclared.
    pub fn universe(&self) -> &Universe {
        self.tables
            .universe
            .get()
            .expect("the universe is made with the world")
    }

    /// The form of a type.
    pub fn get(&self, id: TypeId) -> Type<'_> {
        let index = id.index();
        match id.kind() {
            TypeKind::Basic => Type::Basic(id.basic_kind().expect("a basic type has a kind")),
            TypeKind::Array => {
                let (length, element) = self.tables.arrays[index];
                Type::Array { length, element }
            }
            TypeKind::Slice => Type::Slice {
                element: self.tables.slices[index],
            },
            TypeKind::Struct => Type::Struct(&self.tables.structs[index]),
            TypeKind::Pointer => Type::Pointer {
                base: self.tables.pointers[index],
            },
            TypeKind::Tuple => Type::Tuple(&self.tables.tuples[index]),
            TypeKind::Signature => Type::Signature(&self.tables.signatures[index]),
            TypeKind::Union => Type::Union(&self.tables.unions[index]),
            TypeKind::Interface => Type::Interface(&self.tables.interfaces[index]),
            TypeKind::Map => {
                let (key, element) = self.tables.maps[index];
                Type::Map { key, element }
            }
            TypeKind::Channel => {
                let (direction, element) = self.tables.channels[index];
                Type::Channel { direction, element }
            }
            TypeKind::Named => Type::Named(&self.tables.named[index]),
            TypeKind::TypeParameter => Type::TypeParameter(&self.tables.type_parameters[index]),
            TypeKind::Alias => Type::Alias(&self.tables.aliases[index]),
        }
    }

    /// The defined type behind `id`, not looking through aliases.
    pub fn as_named(&self, id: TypeId) -> Option<&Named> {
        (id.kind() == TypeKind::Named).then(|| &self.tables.named[id.index()])
    }

    /// The signature that `id` is (not looking through names).
    pub fn as_signature(&self, id: TypeId) -> Option<&Signature> {
        (id.kind() == TypeKind::Signature).then(|| &self.tables.signatures[id.index()])
    }

    /// The parameters of a tuple type, none for any other type.
    pub fn tuple(&self, id: TypeId) -> &[Parameter] {
        match id.kind() {
            TypeKind::Tuple => &self.tables.tuples[id.index()],
            _ => &[],
        }
    }

    /// An object.
    #[inline]
    pub fn object(&self, id: ObjectId) -> &Object {
        match id.is_local() {
            true => &self.locals[id.index()],
            false => &self.tables.objects[id.index()],
        }
    }

    /// A package.
    pub fn package(&self, id: PackageId) -> &Package {
        &self.tables.packages[id.index()]
    }

    /// Adds a package; its scope is set by the checker. `files` are base names.
    pub fn new_package(&self, path: &str, files: Vec<String>, is_missing: bool) -> PackageId {
        let package = Package {
            path: Symbol::intern(path),
            name: OnceLock::new(),
            files,
            scope: OnceLock::new(),
            declared: OnceLock::new(),
            stored: OnceLock::new(),
        };
        if is_missing {
            package.give_up();
        }
        PackageId::new(self.tables.packages.push(package))
    }

    pub(crate) fn add_object(&self, object: Object) -> ObjectId {
        match object.kind.is_local() {
            true => ObjectId::local(self.locals.push(object)),
            false => ObjectId::new(self.tables.objects.push(object)),
        }
    }

    /// Adds a variable of type `object_type`, without a place where it is unnamed or made up.
    pub(crate) fn new_variable(
        &self,
        kind: VariableKind,
        name: Symbol,
        package: Option<PackageId>,
        place: (u32, u32),
        object_type: Option<TypeId>,
    ) -> ObjectId {
        self.add_object(Object::new(
            ObjectKind::Variable(kind),
            name,
            package,
            place,
            object_type,
        ))
    }

    /// The form of a type that is one for each form.
    fn key(&self, id: TypeId) -> Option<Key<'_>> {
        Some(match self.get(id) {
            Type::Array { length, element } => Key::Array(length, element),
            Type::Slice { element } => Key::Slice(element),
            Type::Pointer { base } => Key::Pointer(base),
            Type::Map { key, element } => Key::Map(key, element),
            Type::Channel { direction, element } => Key::Channel(direction, element),
            Type::Tuple(parameters) => Key::Tuple(parameters),
            Type::Signature(signature) => Key::Signature(signature),
            Type::Named(named) => Key::Instance(named.origin?, &named.arguments),
            Type::Alias(alias) => Key::Instance(alias.origin?, &alias.arguments),
            _ => return None,
        })
    }

    /// The type of the form that `form` makes of a content, made of the content if it is new.
    fn intern<C>(
        &self,
        content: C,
        form: impl for<'c> Fn(&'c C) -> Key<'c>,
        make: impl FnOnce(C) -> TypeId,
    ) -> TypeId {
        let key = form(&content);
        let hash = key.hash();
        let shard = &self.tables.interned[(hash >> 32) as usize % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = shard.find(hash, |&id| self.key(id).as_ref() == Some(&key)) {
            return id;
        }
        let id = make(content);
        shard.insert_unique(hash, id, |&id| self.key(id).map_or(0, |key| key.hash()));
        id
    }

    /// `[length]element`
    pub fn new_array(&self, length: i64, element: TypeId) -> TypeId {
        self.intern(
            (length, element),
            |&(length, element)| Key::Array(length, element),
            |array| TypeId::new(TypeKind::Array, self.tables.arrays.push(array)),
        )
    }

    /// `[]element`
    pub fn new_slice(&self, element: TypeId) -> TypeId {
        self.intern(
            element,
            |&element| Key::Slice(element),
            |element| TypeId::new(TypeKind::Slice, self.tables.slices.push(element)),
        )
    }

    /// `*base`
    pub fn new_pointer(&self, base: TypeId) -> TypeId {
        self.intern(
            base,
            |&base| Key::Pointer(base),
            |base| TypeId::new(TypeKind::Pointer, self.tables.pointers.push(base)),
        )
    }

    /// `map[key]element`
    pub fn new_map(&self, key: TypeId, element: TypeId) -> TypeId {
        self.intern(
            (key, element),
            |&(key, element)| Key::Map(key, element),
            |map| TypeId::new(TypeKind::Map, self.tables.maps.push(map)),
        )
    }

    /// `chan element` and its directed forms.
    pub fn new_channel(&self, direction: ChannelDirection, element: TypeId) -> TypeId {
        self.intern(
            (direction, element),
            |&(direction, element)| Key::Channel(direction, element),
            |channel| TypeId::new(TypeKind::Channel, self.tables.channels.push(channel)),
        )
    }

    /// A list of parameters, results or values.
    pub fn new_tuple(&self, parameters: Box<[Parameter]>) -> TypeId {
        self.intern(
            parameters,
            |parameters| Key::Tuple(parameters),
            |parameters| TypeId::new(TypeKind::Tuple, self.tables.tuples.push(parameters)),
        )
    }

    /// The tuple without members.
    pub fn empty_tuple(&self) -> TypeId {
        *self.tables.empty_tuple.get().expect("made with the world")
    }

    /// A function type.
    pub fn new_signature(&self, signature: Signature) -> TypeId {
        self.intern(
            signature,
            |signature| Key::Signature(signature),
            |signature| TypeId::new(TypeKind::Signature, self.tables.signatures.push(signature)),
        )
    }

    /// A new struct type, different from all others.
    pub fn new_struct(&self, fields: Box<[ObjectId]>, tags: Box<[Option<Box<str>>]>) -> TypeId {
        TypeId::new(
            TypeKind::Struct,
            self.tables.structs.push(StructType { fields, tags }),
        )
    }

    /// A new union, different from all others.
    pub fn new_union(&self, terms: Box<[UnionTerm]>) -> TypeId {
        TypeId::new(TypeKind::Union, self.tables.unions.push(terms))
    }

    /// A new interface type, different from all others.
    pub fn new_interface(
        &self,
        methods: Box<[ObjectId]>,
        embeddeds: Box<[TypeId]>,
        implicit: bool,
    ) -> TypeId {
        let interface = Interface {
            methods,
            embeddeds,
            implicit: AtomicBool::new(implicit),
            type_set: OnceLock::new(),
        };
        TypeId::new(TypeKind::Interface, self.tables.interfaces.push(interface))
    }

    /// A new defined type; what it is defined as comes later ([`World::set_right_hand_side`]).
    pub(crate) fn new_named(&self, object: ObjectId) -> TypeId {
        let named = Named {
            object,
            origin: None,
            arguments: Box::default(),
            type_parameters: OnceLock::new(),
            right_hand_side: TypeCell::default(),
            underlying: TypeCell::default(),
            methods: OnceLock::new(),
            expanded_methods: OnceLock::new(),
        };
        TypeId::new(TypeKind::Named, self.tables.named.push(named))
    }

    /// The instance of a generic defined type or alias with these arguments, not checked in any way.
    /// An alias instance still needs its right-hand side: see `World::instantiate`.
    pub(crate) fn new_instance(&self, origin: TypeId, arguments: Box<[TypeId]>) -> TypeId {
        self.intern(
            arguments,
            |arguments| Key::Instance(origin, arguments),
            |arguments| match self.get(origin) {
                Type::Alias(alias) => {
                    let alias = Alias {
                        object: alias.object,
                        origin: Some(origin),
                        arguments,
                        type_parameters: OnceLock::new(),
                        right_hand_side: TypeCell::default(),
                        actual: TypeCell::default(),
                    };
                    TypeId::new(TypeKind::Alias, self.tables.aliases.push(alias))
                }
                Type::Named(named) => {
                    let named = Named {
                        object: named.object,
                        origin: Some(origin),
                        arguments,
                        type_parameters: OnceLock::new(),
                        right_hand_side: TypeCell::default(),
                        underlying: TypeCell::default(),
                        methods: OnceLock::new(),
                        expanded_methods: OnceLock::new(),
                    };
                    TypeId::new(TypeKind::Named, self.tables.named.push(named))
                }
                _ => unreachable!("only defined types and aliases have instances"),
            },
        )
    }

    /// The instance of a generic function type that was made before with these arguments.
    pub(crate) fn known_signature_instance(
        &self,
        origin: TypeId,
        arguments: &[TypeId],
    ) -> Option<TypeId> {
        let instances = self.tables.signature_instances.lock();
        let instances = instances.unwrap_or_else(PoisonError::into_inner);
        instances.get(&(origin, arguments.into())).copied()
    }

    /// Keeps the instance of a generic function type, and returns the one that was first.
    pub(crate) fn keep_signature_instance(
        &self,
        origin: TypeId,
        arguments: &[TypeId],
        instance: TypeId,
    ) -> TypeId {
        let instances = self.tables.signature_instances.lock();
        let mut instances = instances.unwrap_or_else(PoisonError::into_inner);
        *instances
            .entry((origin, arguments.into()))
            .or_insert(instance)
    }

    /// Keeps a type set that is not complete for as long as the world is there.
    pub(crate) fn keep_partial_type_set(&self, set: TypeSet) -> &TypeSet {
        let index = self.tables.partial_type_sets.push(set);
        &self.tables.partial_type_sets[index]
    }

    /// A new type parameter for the type name `object`; index and bound come later.
    pub(crate) fn new_type_parameter(&self, object: ObjectId, bound: TypeId) -> TypeId {
        let parameter = TypeParameter {
            object,
            index: AtomicU32::new(u32::MAX),
            bound: TypeCell::new(Some(bound)),
        };
        TypeId::new(
            TypeKind::TypeParameter,
            self.tables.type_parameters.push(parameter),
        )
    }

    /// A new alias; what it stands for comes later.
    pub(crate) fn new_alias(&self, object: ObjectId) -> TypeId {
        let alias = Alias {
            object,
            origin: None,
            arguments: Box::default(),
            type_parameters: OnceLock::new(),
            right_hand_side: TypeCell::default(),
            actual: TypeCell::default(),
        };
        TypeId::new(TypeKind::Alias, self.tables.aliases.push(alias))
    }

    /// The type behind an alias, and behind the aliases that it stands for; other types as they are.
    /// Unknown while the alias is still being declared.
    pub fn unalias(&self, id: TypeId) -> TypeId {
        if id.kind() != TypeKind::Alias {
            return id;
        }
        let first = &self.tables.aliases[id.index()];
        if let Some(actual) = first.actual.get() {
            return actual;
        }
        let mut current = id;
        // Declarations are acyclic in valid programs; the bound only stops invalid ones.
        for _ in 0..1000 {
            if current.kind() != TypeKind::Alias {
                first.actual.set(current);
                return current;
            }
            let alias = &self.tables.aliases[current.index()];
            match alias
                .actual
                .get()
                .or_else(|| self.alias_right_hand_side(alias))
            {
                Some(next) => current = next,
                None => return TypeId::UNKNOWN,
            }
        }
        TypeId::UNKNOWN
    }

    /// What an alias was declared as.
    pub(crate) fn alias_right_hand_side(&self, alias: &Alias) -> Option<TypeId> {
        alias.right_hand_side.get().or_else(|| {
            self.complete_declaration(alias.object);
            alias.right_hand_side.get()
        })
    }

    /// Reads what a stored package says about something that it declares, if that was not done.
    pub(crate) fn complete_declaration(&self, object: ObjectId) {
        if self.stored().get().is_some()
            && let Some(package) = self.object(object).package
        {
            self.complete(package);
        }
    }

    /// Says what a defined type or alias was declared as.
    pub(crate) fn set_right_hand_side(&self, id: TypeId, right_hand_side: TypeId) {
        match self.get(id) {
            Type::Named(named) => named.right_hand_side.set(right_hand_side),
            Type::Alias(alias) => alias.right_hand_side.set(right_hand_side),
            _ => {}
        }
    }

    /// The type parameters of a generic defined type, alias or signature; for an instance, those of
    /// its origin (as in go/types; see [`World::is_generic`] for what still needs arguments).
    pub fn type_parameters(&self, id: TypeId) -> &[TypeId] {
        match self.get(id) {
            Type::Signature(signature) => &signature.type_parameters,
            Type::Named(named) => match named.origin {
                Some(origin) => self.type_parameters(origin),
                None => self.declared_type_parameters(&named.type_parameters, named.object),
            },
            Type::Alias(alias) if alias.origin.is_none() => {
                self.declared_type_parameters(&alias.type_parameters, alias.object)
            }
            _ => &[],
        }
    }

    /// The type parameters in the cell of a declaration, none while they are not known.
    fn declared_type_parameters<'w>(
        &'w self,
        cell: &'w OnceLock<Box<[TypeId]>>,
        object: ObjectId,
    ) -> &'w [TypeId] {
        if cell.get().is_none() {
            self.complete_declaration(object);
        }
        cell.get().map_or(&[], |list| list)
    }

    /// The type arguments of an instance, none for other types.
    pub fn type_arguments(&self, id: TypeId) -> &[TypeId] {
        match self.get(id) {
            Type::Named(named) => &named.arguments,
            Type::Alias(alias) => &alias.arguments,
            _ => &[],
        }
    }

    /// Tells each type parameter of a list its place in it.
    pub(crate) fn bind_type_parameters(&self, list: &[TypeId]) {
        for (index, &parameter) in list.iter().enumerate() {
            if let Type::TypeParameter(parameter) = self.get(parameter) {
                parameter
                    .index
                    .store(index as u32, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn set_type_parameters(&self, id: TypeId, list: Box<[TypeId]>) {
        self.bind_type_parameters(&list);
        match self.get(id) {
            Type::Named(named) => drop(named.type_parameters.set(list)),
            Type::Alias(alias) => drop(alias.type_parameters.set(list)),
            _ => {}
        }
    }

    /// Whether `id` still needs type arguments (go/types: `isGeneric`).
    pub fn is_generic(&self, id: TypeId) -> bool {
        match self.get(id) {
            Type::Alias(alias) if alias.origin.is_none() => {
                let cell = &alias.type_parameters;
                self.declared_type_parameters(cell, alias.object);
                cell.get().is_some()
            }
            Type::Named(named) if named.origin.is_none() => {
                let list = self.declared_type_parameters(&named.type_parameters, named.object);
                !list.is_empty()
            }
            _ => false,
        }
    }

    /// The bound of a type parameter as written, unknown for other types.
    pub fn bound(&self, id: TypeId) -> TypeId {
        match self.get(id) {
            Type::TypeParameter(parameter) => parameter.bound.get().unwrap_or(TypeId::UNKNOWN),
            _ => TypeId::UNKNOWN,
        }
    }

    pub(crate) fn set_bound(&self, id: TypeId, bound: TypeId) {
        if let Type::TypeParameter(parameter) = self.get(id) {
            parameter.bound.set(bound);
        }
    }
}
