//! Sizes and alignments of types as the gc compiler lays them out.
//!
//! Source: `go/types/sizes.go`, `go/types/gcsizes.go`.

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
