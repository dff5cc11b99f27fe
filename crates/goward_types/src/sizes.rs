//! Sizes and alignments of types as the gc compiler lays them out.
//!
//! Source: `go/types/sizes.go`, `go/types/gcsizes.go`.

use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::types::{BasicKind, StructType, Type, basic_info};
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

/// Types looked at for one answer: only invalid types, which contain themselves, need more.
const BUDGET: u32 = 1_000_000;

/// Types within types by value: only invalid types nest deeper.
const DEPTH_LIMIT: usize = 200;

/// What is left for one question: how many types may still be looked at, how deep they may nest.
struct Budget {
    steps: u32,
    depth: usize,
}

impl Budget {
    const fn new() -> Budget {
        Budget {
            steps: BUDGET,
            depth: 0,
        }
    }

    /// Runs `look` one level deeper; `None` if nothing is left.
    fn deeper<T>(&mut self, look: impl FnOnce(&mut Budget) -> T) -> Option<T> {
        self.steps = self.steps.checked_sub(1)?;
        if self.depth >= DEPTH_LIMIT {
            return None;
        }
        self.depth += 1;
        let result = look(self);
        self.depth -= 1;
        Some(result)
    }
}

impl World {
    /// The size of a type in bytes; negative if it is too large. Type parameters have none: see
    /// the checker's `has_variable_size`.
    pub fn sizeof(&self, id: TypeId) -> i64 {
        self.size(id, &mut Budget::new()).unwrap_or(-1)
    }

    /// The alignment of a type in bytes, at least one.
    pub fn alignof(&self, id: TypeId) -> i64 {
        self.alignment(id, &mut Budget::new())
    }

    /// The offsets of the fields of a struct; negative for those that are too far.
    pub fn offsetsof(&self, structure: &StructType) -> Vec<i64> {
        let mut offsets = Vec::with_capacity(structure.fields.len());
        self.layout(&structure.fields, &mut Budget::new(), |offset| {
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

    fn alignment(&self, id: TypeId, budget: &mut Budget) -> i64 {
        budget
            .deeper(|budget| self.alignment_of(id, budget))
            .unwrap_or(1)
    }

    fn alignment_of(&self, id: TypeId, budget: &mut Budget) -> i64 {
        let underlying = self.underlying(id);
        match self.get(underlying) {
            Type::Array { element, .. } => return self.alignment(element, budget),
            Type::Struct(structure) if structure.fields.is_empty() && self.is_align64(id) => {
                return 8;
            }
            Type::Struct(structure) => {
                let alignments = structure
                    .fields
                    .iter()
                    .map(|&field| self.alignment(self.object_type(field), budget));
                return alignments.max().unwrap_or(1).max(1);
            }
            Type::Slice { .. } | Type::Interface(_) => return self.sizes.word,
            Type::Basic(kind) if kind.info() & basic_info::STRING != 0 => return self.sizes.word,
            _ => {}
        }
        let mut alignment = match self.size(id, budget) {
            Some(size) if size >= 1 => size,
            _ => return 1,
        };
        if self.is_complex(id) {
            alignment /= 2;
        }
        alignment.min(self.sizes.max_align)
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

    /// Calls `visit` with the offset of each field; returns the last offset and size.
    fn layout(
        &self,
        fields: &[ObjectId],
        budget: &mut Budget,
        mut visit: impl FnMut(Option<i64>),
    ) -> Option<(i64, i64)> {
        let mut next = Some(0_i64);
        let mut last = None;
        for &field in fields {
            let field_type = self.object_type(field);
            // What is too far stays so: all later fields are too.
            let offset = next.and_then(|next| align(next, self.alignment(field_type, budget)));
            visit(offset);
            last = offset.zip(offset.and_then(|_| self.size(field_type, budget)));
            next = last.and_then(|(offset, size)| offset.checked_add(size));
        }
        last
    }

    /// The size of a type, `None` if it is too large.
    fn size(&self, id: TypeId, budget: &mut Budget) -> Option<i64> {
        budget.deeper(|budget| self.size_of(id, budget))?
    }

    fn size_of(&self, id: TypeId, budget: &mut Budget) -> Option<i64> {
        let word = self.sizes.word;
        match self.get(self.underlying(id)) {
            Type::Basic(kind) => Some(match kind {
                BasicKind::Bool | BasicKind::Int8 | BasicKind::Uint8 => 1,
                BasicKind::Int16 | BasicKind::Uint16 => 2,
                BasicKind::Int32 | BasicKind::Uint32 | BasicKind::Float32 => 4,
                BasicKind::Int64
                | BasicKind::Uint64
                | BasicKind::Float64
                | BasicKind::Complex64 => 8,
                BasicKind::Complex128 => 16,
                BasicKind::String => word * 2,
                _ => word,
            }),
            Type::Array { length, .. } if length <= 0 => Some(0),
            Type::Array { length, element } => self.size(element, budget)?.checked_mul(length),
            Type::Slice { .. } => Some(word * 3),
            Type::Struct(structure) => {
                if structure.fields.is_empty() {
                    return Some(0);
                }
                let (offset, mut size) = self.layout(&structure.fields, budget, |_| ())?;
                // The address of a last field without size must not be that of the next variable.
                if offset > 0 && size == 0 {
                    size = 1;
                }
                align(offset.checked_add(size)?, self.alignment(id, budget))
            }
            Type::Interface(_) => Some(word * 2),
            _ => Some(word),
        }
    }

    /// Whether the size of a type depends on type arguments.
    pub fn has_variable_size(&self, id: TypeId) -> bool {
        self.varies(id, &mut Vec::new(), &mut Budget::new())
    }

    fn varies(&self, id: TypeId, seen: &mut Vec<(TypeId, bool)>, budget: &mut Budget) -> bool {
        let actual = self.unalias(id);
        match actual.kind() {
            TypeKind::TypeParameter => return true,
            TypeKind::Named => {}
            _ => return self.parts_vary(actual, seen, budget),
        }
        if let Some(&(_, varies)) = seen.iter().find(|(named, _)| *named == actual) {
            return varies;
        }
        // Cyclic until it is known better.
        let place = seen.len();
        seen.push((actual, true));
        let varies = self.parts_vary(actual, seen, budget);
        seen[place].1 = varies;
        varies
    }

    fn parts_vary(&self, id: TypeId, seen: &mut Vec<(TypeId, bool)>, budget: &mut Budget) -> bool {
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
