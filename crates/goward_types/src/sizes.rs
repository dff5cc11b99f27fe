//! Sizes and alignments of types as the gc compiler lays them out.
//!
//! Source: `go/types/sizes.go`, `go/types/gcsizes.go`.

use rustc_hash::FxHashMap;

use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::types::{BasicKind, StructType, Type};
use crate::world::World;

/// Word size and greatest alignment of an architecture, in bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub word: i64,
    pub max_align: i64,
}

impl Sizes {
    /// The sizes of a GOARCH; those of amd64 for one that is not known.
    pub fn for_architecture(architecture: &str) -> Sizes {
        match architecture {
            "386" | "arm" | "mips" | "mipsle" => Sizes {
                word: 4,
                max_align: 4,
            },
            "amd64p32" => Sizes {
                word: 4,
                max_align: 8,
            },
            _ => Sizes {
                word: 8,
                max_align: 8,
            },
        }
    }
}

/// Types looked at for one answer: only invalid types, which contain themselves, have more parts.
const PARTS_LIMIT: u32 = 50_000;

/// Types within types by value: only invalid types nest deeper.
const DEPTH_LIMIT: usize = 200;

/// What is left for one question: how many types may still be looked at, how deep they may nest.
struct Budget {
    parts: u32,
    depth: usize,
}

impl Budget {
    const fn new() -> Budget {
        Budget {
            parts: PARTS_LIMIT,
            depth: DEPTH_LIMIT,
        }
    }

    /// Runs `look` one level deeper; `None` if nothing is left.
    fn deeper<T>(&mut self, look: impl FnOnce(&mut Budget) -> T) -> Option<T> {
        self.parts = self.parts.checked_sub(1)?;
        self.depth = self.depth.checked_sub(1)?;
        let result = look(self);
        self.depth += 1;
        Some(result)
    }
}

/// Size, `None` if it is too large, and alignment of a type, in bytes.
#[derive(Copy, Clone)]
struct Layout {
    size: Option<i64>,
    alignment: i64,
}

impl Layout {
    const UNKNOWN: Layout = Layout {
        size: None,
        alignment: 1,
    };
}

impl World {
    /// The size of a type in bytes; negative if it is too large. That of a type which depends on type
    /// arguments means nothing: see [`World::has_variable_size`].
    pub fn sizeof(&self, id: TypeId) -> i64 {
        self.layout(id, &mut Budget::new()).size.unwrap_or(-1)
    }

    /// The alignment of a type in bytes, at least one.
    pub fn alignof(&self, id: TypeId) -> i64 {
        self.layout(id, &mut Budget::new()).alignment
    }

    /// The offsets of the fields of a struct; negative for those that are too far.
    pub fn offsetsof(&self, structure: &StructType) -> Vec<i64> {
        let mut offsets = Vec::with_capacity(structure.fields.len());
        self.lay_out(&structure.fields, &mut Budget::new(), |offset| {
            offsets.push(offset.unwrap_or(-1));
        });
        offsets
    }

    /// The offset of the field that the path `index` leads to from `id`; negative if it is too far.
    pub fn offsetof(&self, id: TypeId, index: &[u32]) -> i64 {
        let mut current = id;
        let mut sum: i64 = 0;
        for &number in index {
            let Type::Struct(structure) = self.get(self.underlying(current)) else {
                return -1;
            };
            let Some(&field) = structure.fields.get(number as usize) else {
                return -1;
            };
            let offset = self.offsetsof(structure)[number as usize];
            match sum.checked_add(offset) {
                Some(total) if offset >= 0 => sum = total,
                _ => return -1,
            }
            current = self.object_type(field);
        }
        sum
    }

    /// Whether this is the empty struct by which `sync/atomic` asks for an alignment of eight bytes.
    fn is_align64(&self, id: TypeId) -> bool {
        let Some(named) = self.as_named(self.unalias(id)) else {
            return false;
        };
        let object = self.object(named.object);
        object.name.as_str() == "align64"
            && object.package.is_some_and(|package| {
                matches!(
                    self.package(package).path.as_str(),
                    "sync/atomic" | "internal/runtime/atomic"
                )
            })
    }

    /// Lays fields out one after the other, and calls `visit` with the offset of each.
    fn lay_out(
        &self,
        fields: &[ObjectId],
        budget: &mut Budget,
        mut visit: impl FnMut(Option<i64>),
    ) -> Layout {
        let mut alignment = 1;
        // Where the next field may start; what is too far stays so.
        let mut next = Some(0_i64);
        let mut last = Some((0, 0));
        for &field in fields {
            let layout = self.layout(self.object_type(field), budget);
            alignment = alignment.max(layout.alignment);
            let offset = next.and_then(|next| align(next, layout.alignment));
            visit(offset);
            last = offset.zip(layout.size);
            next = last.and_then(|(offset, size)| offset.checked_add(size));
        }
        let end = last.and_then(|(offset, size)| {
            // The address of a last field without size must not be that of the next variable.
            let size = if offset > 0 && size == 0 { 1 } else { size };
            offset.checked_add(size)
        });
        Layout {
            size: end.and_then(|end| align(end, alignment)),
            alignment,
        }
    }

    fn layout(&self, id: TypeId, budget: &mut Budget) -> Layout {
        budget
            .deeper(|budget| self.layout_of(id, budget))
            .unwrap_or(Layout::UNKNOWN)
    }

    fn layout_of(&self, id: TypeId, budget: &mut Budget) -> Layout {
        let Sizes { word, max_align } = self.sizes();
        let simple = |size: i64| Layout {
            size: Some(size),
            alignment: size.min(max_align),
        };
        // Values of several words are aligned like one.
        let words = |count: i64| Layout {
            size: Some(word * count),
            alignment: word,
        };
        match self.get(self.underlying(id)) {
            Type::Basic(kind) => match kind {
                BasicKind::Bool | BasicKind::Int8 | BasicKind::Uint8 => simple(1),
                BasicKind::Int16 | BasicKind::Uint16 => simple(2),
                BasicKind::Int32 | BasicKind::Uint32 | BasicKind::Float32 => simple(4),
                BasicKind::Int64 | BasicKind::Uint64 | BasicKind::Float64 => simple(8),
                // Complex numbers are aligned like their parts.
                BasicKind::Complex64 => Layout {
                    size: Some(8),
                    alignment: 4_i64.min(max_align),
                },
                BasicKind::Complex128 => Layout {
                    size: Some(16),
                    alignment: 8_i64.min(max_align),
                },
                BasicKind::String | BasicKind::UntypedString => words(2),
                _ => simple(word),
            },
            Type::Array { length, element } => {
                let element = self.layout(element, budget);
                let size = match length {
                    ..=0 => Some(0),
                    _ => element.size.and_then(|size| size.checked_mul(length)),
                };
                Layout { size, ..element }
            }
            Type::Slice { .. } => words(3),
            Type::Interface(_) => words(2),
            Type::Struct(structure) if structure.fields.is_empty() => Layout {
                size: Some(0),
                alignment: if self.is_align64(id) { 8 } else { 1 },
            },
            Type::Struct(structure) => self.lay_out(&structure.fields, budget, |_| ()),
            _ => simple(word),
        }
    }

    /// Whether the size of a type depends on type arguments.
    pub fn has_variable_size(&self, id: TypeId) -> bool {
        self.varies(id, &mut FxHashMap::default(), &mut Budget::new())
    }

    fn varies(&self, id: TypeId, seen: &mut FxHashMap<TypeId, bool>, budget: &mut Budget) -> bool {
        let actual = self.unalias(id);
        match actual.kind() {
            TypeKind::TypeParameter => return true,
            TypeKind::Named => {}
            _ => return self.parts_vary(actual, seen, budget),
        }
        if let Some(&varies) = seen.get(&actual) {
            return varies;
        }
        // Cyclic until it is known better.
        seen.insert(actual, true);
        let varies = self.parts_vary(actual, seen, budget);
        seen.insert(actual, varies);
        varies
    }

    fn parts_vary(
        &self,
        id: TypeId,
        seen: &mut FxHashMap<TypeId, bool>,
        budget: &mut Budget,
    ) -> bool {
        let look = |budget: &mut Budget| match self.get(self.underlying(id)) {
            Type::Array { element, .. } => self.varies(element, seen, budget),
            Type::Struct(structure) => structure
                .fields
                .iter()
                .any(|&field| self.varies(self.object_type(field), seen, budget)),
            _ => false,
        };
        budget.deeper(look).unwrap_or(true)
    }
}

/// The least multiple of `alignment` that is not less than `offset`.
fn align(offset: i64, alignment: i64) -> Option<i64> {
    Some(offset.checked_add(alignment - 1)? & !(alignment - 1))
}
