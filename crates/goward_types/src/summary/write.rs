//! From checked packages to the bytes of a summary. The format is described in the module's comment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use goward_syntax::{ChannelDirection, Symbol};
use rustc_hash::FxHashMap;

use super::archive::MAGIC;
use super::collect::collect;
use super::model::{Body, Bounds, Node, NodeIndex, ObjectRecord, PREDECLARED, PackageModel};
use super::wire::Writer;
use super::{flag, node_tag};
use crate::ids::PackageId;
use crate::world::World;

/// How the packages of a summary are kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As small as can be.
    Compressed,
    /// As they are, so that a test can reach each byte.
    Plain,
}

/// Collects the packages of all platforms, and makes a summary of them.
pub struct SummaryBuilder {
    release: String,
    platforms: Vec<String>,
    packages: BTreeMap<&'static str, PackageModel>,
}

impl SummaryBuilder {
    /// A summary of the standard library of a Go release, as in `1.26.8`.
    pub fn new(release: &str) -> SummaryBuilder {
        SummaryBuilder {
            release: release.to_owned(),
            platforms: Vec::new(),
            packages: BTreeMap::new(),
        }
    }

    /// Adds the packages of a platform, as in `linux/amd64`. An error says which declaration cannot
    /// be written, and why.
    pub fn add_platform(
        &mut self,
        platform: &str,
        world: &World,
        packages: &[PackageId],
    ) -> Result<(), String> {
        if self.platforms.len() == 64 {
            return Err("a summary holds at most 64 platforms".to_owned());
        }
        let bit = 1 << self.platforms.len();
        self.platforms.push(platform.to_owned());
        for &package in packages {
            let path = world.package(package).path.as_str();
            let name = world.package(package).name();
            let model = self.packages.entry(path);
            let model = model.or_insert_with(|| PackageModel::new(name));
            collect(world, package, bit, model, false)
                .map_err(|cause| format!("{platform}: {cause}"))?;
        }
        Ok(())
    }

    /// The bytes of the summary.
    pub fn finish(self, packing: Packing) -> Result<Vec<u8>, String> {
        let order = self.order()?;
        let number: FxHashMap<Symbol, usize> = order
            .iter()
            .enumerate()
            .map(|(number, path)| (Symbol::intern(path), number))
            .collect();
        let mut header = Writer::default();
        let mut bodies = Vec::new();
        header.bytes.extend_from_slice(MAGIC);
        header.text(self.release.as_bytes());
        header.count(self.platforms.len());
        for platform in &self.platforms {
            header.text(platform.as_bytes());
        }
        header.count(order.len());
        for &path in &order {
            let model = &self.packages[path];
            let imports = imports(model, Symbol::intern(path));
            let mut numbers: Vec<usize> = imports.iter().map(|import| number[import]).collect();
            numbers.sort_unstable();
            let named = numbers.iter().map(|&number| Symbol::intern(order[number]));
            let raw = PackageWriter::new(model, Symbol::intern(path), named).bytes();
            let packed = deflate(&raw, packing).map_err(|error| error.to_string())?;
            header.text(path.as_bytes());
            header.number(model.platforms);
            header.count(numbers.len());
            for number in numbers {
                header.count(number);
            }
            header.count(raw.len());
            header.count(packed.len());
            bodies.push(packed);
        }
        let mut bytes = header.bytes;
        bodies.iter().for_each(|body| bytes.extend_from_slice(body));
        Ok(bytes)
    }

    /// All packages, each after those whose types it names.
    fn order(&self) -> Result<Vec<&'static str>, String> {
        let mut waiting: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
        for (path, model) in &self.packages {
            let imports = imports(model, Symbol::intern(path));
            for import in &imports {
                if !self.packages.contains_key(import.as_str()) {
                    return Err(format!(
                        "{path} names types of {import}, which is not there"
                    ));
                }
            }
            waiting.insert(path, imports.iter().map(|path| path.as_str()).collect());
        }
        let mut order = Vec::new();
        while !waiting.is_empty() {
            let ready: Vec<&'static str> = waiting
                .iter()
                .filter(|(_, imports)| imports.is_empty())
                .map(|(path, _)| *path)
                .collect();
            if ready.is_empty() {
                return Err("packages name each other's types in a circle".to_owned());
            }
            for path in ready {
                waiting.remove(path);
                for imports in waiting.values_mut() {
                    imports.remove(path);
                }
                order.push(path);
            }
        }
        Ok(order)
    }
}

fn deflate(bytes: &[u8], packing: Packing) -> std::io::Result<Vec<u8>> {
    let level = match packing {
        Packing::Compressed => flate2::Compression::best(),
        Packing::Plain => flate2::Compression::none(),
    };
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// The other packages whose types a package names.
fn imports(model: &PackageModel, own: Symbol) -> Vec<Symbol> {
    let mut imports: Vec<Symbol> = model.nodes.iter().filter_map(Node::package).collect();
    imports.sort_unstable_by_key(|path| path.as_str());
    imports.dedup();
    imports.retain(|&path| path != own);
    imports
}

/// The declarations of a package by themselves, and the packages whose types they name, as
/// [`StoredDeclarations`](super::StoredDeclarations) give them back. An error says which declaration
/// cannot be written, and why.
pub fn write_declarations(
    world: &World,
    package: PackageId,
) -> Result<(Vec<u8>, Vec<Symbol>), String> {
    let own = world.package(package);
    let mut model = PackageModel::new(own.name());
    collect(world, package, 1, &mut model, true)?;
    let imports = imports(&model, own.path);
    let writer = PackageWriter::new(&model, own.path, imports.iter().copied());
    Ok((writer.stored(&imports), imports))
}

/// The declarations that one set of platforms has.
#[derive(Default)]
struct Part {
    nodes: Vec<NodeIndex>,
    objects: Vec<usize>,
}

/// Writes one package.
struct PackageWriter<'m> {
    model: &'m PackageModel,
    /// Numbers of types as they are written: by part, not in the order in which they were met.
    written: Vec<u64>,
    /// Zero for the package itself, then its imports.
    package_of: FxHashMap<Symbol, u64>,
    parts: Vec<(u64, Part)>,
    strings: Vec<Symbol>,
    string_of: FxHashMap<Symbol, usize>,
}

impl<'m> PackageWriter<'m> {
    fn new(
        model: &'m PackageModel,
        own: Symbol,
        imports: impl Iterator<Item = Symbol>,
    ) -> PackageWriter<'m> {
        let package_of = std::iter::once(own).chain(imports).zip(0..).collect();
        // A type is needed wherever one is that is made of it.
        let mut platforms = vec![0u64; model.nodes.len()];
        for (object, has) in &model.objects {
            object.body.types(&mut |index| {
                if let Some(index) = index.checked_sub(PREDECLARED) {
                    platforms[index as usize] |= has;
                }
            });
        }
        for index in (0..model.nodes.len()).rev() {
            let has = platforms[index];
            model.nodes[index].children(&mut |child| {
                if let Some(child) = child.checked_sub(PREDECLARED) {
                    platforms[child as usize] |= has;
                }
            });
        }
        let mut parts: BTreeMap<(std::cmp::Reverse<u32>, u64), Part> = BTreeMap::new();
        let key = |has: u64| (std::cmp::Reverse(has.count_ones()), has);
        for (index, &has) in platforms.iter().enumerate() {
            let part = parts.entry(key(has)).or_default();
            part.nodes.push(index as NodeIndex);
        }
        for (index, (_, has)) in model.objects.iter().enumerate() {
            parts.entry(key(*has)).or_default().objects.push(index);
        }
        // Nothing is made of these.
        parts.remove(&key(0));
        let mut written = vec![u64::MAX; model.nodes.len()];
        let all = parts.values().flat_map(|part| &part.nodes);
        for (&node, number) in all.zip(u64::from(PREDECLARED)..) {
            written[node as usize] = number;
        }
        PackageWriter {
            model,
            written,
            package_of,
            parts: parts
                .into_iter()
                .map(|((_, has), part)| (has, part))
                .collect(),
            strings: vec![Symbol::EMPTY],
            string_of: FxHashMap::from_iter([(Symbol::EMPTY, 0)]),
        }
    }

    fn bytes(mut self) -> Vec<u8> {
        let parts = std::mem::take(&mut self.parts);
        let mut encoded = Writer::default();
        encoded.count(parts.len());
        for (platforms, part) in &parts {
            let mut heads = Writer::default();
            let mut types = Writer::default();
            let mut bodies = Writer::default();
            for &object in &part.objects {
                self.head(&self.model.objects[object].0, &mut heads);
            }
            for &node in &part.nodes {
                self.node(&self.model.nodes[node as usize], &mut types);
            }
            for &object in &part.objects {
                self.body(&self.model.objects[object].0.body, &mut bodies);
            }
            encoded.number(*platforms);
            encoded.count(part.objects.len());
            encoded.count(part.nodes.len());
            for section in [heads, types, bodies] {
                encoded.text(&section.bytes);
            }
        }
        let mut out = Writer::default();
        let name = self.string(self.model.name);
        out.number(name);
        out.count(self.strings.len());
        for string in &self.strings {
            out.text(string.as_str().as_bytes());
        }
        out.bytes.extend_from_slice(&encoded.bytes);
        out.bytes
    }

    /// A package as it is stored alone. Its name and the heads of its declarations come first, so
    /// that they can be read without the rest.
    fn stored(mut self, imports: &[Symbol]) -> Vec<u8> {
        let parts = std::mem::take(&mut self.parts);
        let (mut types, mut bodies) = (Writer::default(), Writer::default());
        let (mut type_count, mut objects) = (0, Vec::<usize>::new());
        for (_, part) in &parts {
            for &node in &part.nodes {
                self.node(&self.model.nodes[node as usize], &mut types);
            }
            type_count += part.nodes.len();
            objects.extend(&part.objects);
        }
        let mut out = Writer::default();
        out.text(self.model.name.as_str().as_bytes());
        out.count(objects.len());
        for object in objects {
            let record = &self.model.objects[object].0;
            out.byte(record.body.tag());
            out.text(record.name.as_str().as_bytes());
            self.body(&record.body, &mut bodies);
        }
        out.count(imports.len());
        for import in imports {
            out.text(import.as_str().as_bytes());
        }
        out.count(self.strings.len());
        for string in &self.strings {
            out.text(string.as_str().as_bytes());
        }
        out.count(type_count);
        out.bytes.extend_from_slice(&types.bytes);
        out.bytes.extend_from_slice(&bodies.bytes);
        out.bytes
    }

    fn string(&mut self, string: Symbol) -> u64 {
        let next = self.strings.len();
        let index = *self.string_of.entry(string).or_insert(next);
        if index == next {
            self.strings.push(string);
        }
        index as u64
    }

    fn name(&mut self, name: Symbol, out: &mut Writer) {
        let number = self.string(name);
        out.number(number);
    }

    fn typ(&self, index: NodeIndex, out: &mut Writer) {
        match index.checked_sub(PREDECLARED) {
            None => out.number(index.into()),
            Some(own) => out.number(self.written[own as usize]),
        }
    }

    fn types(&self, list: &[NodeIndex], out: &mut Writer) {
        out.count(list.len());
        for &index in list {
            self.typ(index, out);
        }
    }

    fn named_types(&mut self, list: &[(Symbol, NodeIndex)], out: &mut Writer) {
        out.count(list.len());
        for &(name, index) in list {
            self.name(name, out);
            self.typ(index, out);
        }
    }

    fn head(&mut self, object: &ObjectRecord, out: &mut Writer) {
        out.byte(object.body.tag());
        self.name(object.name, out);
    }

    fn bounds(&self, bounds: &Bounds, out: &mut Writer) {
        out.count(bounds.len());
        for &(parameter, bound) in bounds {
            self.typ(parameter, out);
            self.typ(bound, out);
        }
    }

    fn body(&mut self, body: &Body, out: &mut Writer) {
        match body {
            Body::Constant {
                constant_type,
                value,
            } => {
                self.typ(*constant_type, out);
                out.bytes.extend_from_slice(value);
            }
            Body::Variable(variable_type) => self.typ(*variable_type, out),
            Body::Function { bounds, signature } => {
                self.bounds(bounds, out);
                self.typ(*signature, out);
            }
            Body::Defined {
                bounds,
                right_hand_side,
                methods,
            } => {
                self.bounds(bounds, out);
                self.typ(*right_hand_side, out);
                out.count(methods.len());
                for method in methods {
                    self.name(method.name, out);
                    self.typ(method.receiver, out);
                    self.name(method.receiver_name, out);
                    self.bounds(&method.bounds, out);
                    self.typ(method.signature, out);
                }
            }
            Body::Alias {
                bounds,
                right_hand_side,
            } => {
                self.bounds(bounds, out);
                self.typ(*right_hand_side, out);
            }
        }
    }

    fn node(&mut self, node: &Node, out: &mut Writer) {
        match node {
            Node::Declared { package, name } => {
                out.byte(node_tag::DECLARED);
                out.number(self.package_of[package]);
                self.name(*name, out);
            }
            Node::Instance { origin, arguments } => {
                out.byte(node_tag::INSTANCE);
                self.typ(*origin, out);
                self.types(arguments, out);
            }
            Node::TypeParameter { name, .. } => {
                out.byte(node_tag::TYPE_PARAMETER);
                self.name(*name, out);
            }
            Node::Array { length, element } => {
                out.byte(node_tag::ARRAY);
                out.signed(*length);
                self.typ(*element, out);
            }
            Node::Slice(element) => {
                out.byte(node_tag::SLICE);
                self.typ(*element, out);
            }
            Node::Pointer(base) => {
                out.byte(node_tag::POINTER);
                self.typ(*base, out);
            }
            Node::Map(key, element) => {
                out.byte(node_tag::MAP);
                self.typ(*key, out);
                self.typ(*element, out);
            }
            Node::Channel(direction, element) => {
                out.byte(match direction {
                    ChannelDirection::Both => node_tag::CHANNEL,
                    ChannelDirection::Send => node_tag::SEND_CHANNEL,
                    ChannelDirection::Receive => node_tag::RECEIVE_CHANNEL,
                });
                self.typ(*element, out);
            }
            Node::Struct { package, fields } => {
                out.byte(node_tag::STRUCT);
                out.number(self.package_of[package]);
                out.count(fields.len());
                for field in fields {
                    let embedded = if field.embedded { flag::EMBEDDED } else { 0 };
                    let tagged = if field.tag.is_some() { flag::TAGGED } else { 0 };
                    out.byte(embedded | tagged);
                    self.name(field.name, out);
                    self.typ(field.field_type, out);
                    if let Some(tag) = &field.tag {
                        out.text(tag.as_bytes());
                    }
                }
            }
            Node::Signature {
                type_parameters,
                receiver_type_parameters,
                parameters,
                results,
                variadic,
            } => {
                let generic = !type_parameters.is_empty() || !receiver_type_parameters.is_empty();
                let generic_flag = if generic { flag::GENERIC } else { 0 };
                let variadic_flag = if *variadic { flag::VARIADIC } else { 0 };
                out.byte(node_tag::SIGNATURE);
                out.byte(generic_flag | variadic_flag);
                if generic {
                    self.types(type_parameters, out);
                    self.types(receiver_type_parameters, out);
                }
                self.named_types(parameters, out);
                self.named_types(results, out);
            }
            Node::Union(terms) => {
                out.byte(node_tag::UNION);
                out.count(terms.len());
                for &(tilde, term) in terms {
                    out.byte(tilde.into());
                    self.typ(term, out);
                }
            }
            Node::Interface {
                package,
                receiver,
                methods,
                embeddeds,
                implicit,
                bound_of: _,
            } => {
                let implicit_flag = if *implicit { flag::IMPLICIT } else { 0 };
                let receiver_flag = if receiver.is_some() {
                    flag::RECEIVER
                } else {
                    0
                };
                out.byte(node_tag::INTERFACE);
                out.byte(implicit_flag | receiver_flag);
                out.number(self.package_of[package]);
                if let Some(receiver) = receiver {
                    self.typ(*receiver, out);
                }
                self.named_types(methods, out);
                self.types(embeddeds, out);
            }
        }
    }
}
