//! What common articles claim and Go refutes, each claim beside its run: `docs/refuted-claims.md`.

use std::io::{self, Write};

use super::{heading, lines};
use crate::lab::results::Measurement;
use crate::lab::text::markdown_cell;

/// A claim that is often read, and what holds instead.
struct Claim {
    /// In the words of those who make it.
    claim: &'static str,
    /// What is true, as far as the scenarios show it.
    instead: &'static str,
    /// The scenarios that show it.
    scenarios: &'static [&'static str],
}

const CLAIMS: &[Claim] = &[
    Claim {
        claim: "Reading a nil map panics.",
        instead: "It gives the zero value, and `ok` is false. `len`, `range`, `delete` and `clear` of a nil map do nothing either. Only a write panics.",
        scenarios: &[
            "nil_read",
            "nil_len",
            "nil_range",
            "nil_delete",
            "nil_clear",
            "nil_write",
        ],
    },
    Claim {
        claim: "A missing key panics.",
        instead: "It gives the zero value. What panics is the use of that value, if it is a nil pointer, function or interface.",
        scenarios: &["missing_read", "missing_ptr_deref", "missing_func_call"],
    },
    Claim {
        claim: "A fatal map error parks the goroutine; the others go on.",
        instead: "It ends the process at once with exit code 2. No deferred call runs, so no recover sees it.",
        scenarios: &["fatal_recover_attempt"],
    },
    Claim {
        claim: "A deferred recover turns `concurrent map writes` into an ordinary panic.",
        instead: "It is a fatal error, not a panic: nothing recovers it.",
        scenarios: &["concurrent_insert_insert_small"],
    },
    Claim {
        claim: "Go detects concurrent map access.",
        instead: "The runtime notices it sometimes: of a single pair of accesses hardly ever, of a hundred thousand often, but not always. A run without the message proves nothing.",
        scenarios: &[
            "concurrent_write_write_small",
            "concurrent_read_write_small",
            "concurrent_range_delete_small",
        ],
    },
    Claim {
        claim: "The crash shows the two goroutines that collided.",
        instead: "By default it shows one, the one that noticed. The other is printed only with `GOTRACEBACK=all`, and has moved on by then.",
        scenarios: &["concurrent_insert_insert_large"],
    },
    Claim {
        claim: "The race detector finds every race on a map that a run exercises.",
        instead: "In some runs it reports nothing: where an unrelated lock happens to order the two sides, where each side does very many operations on a small map, and in most runs of a clone that overlaps a write.",
        scenarios: &[
            "concurrent_ordered_by_chance",
            "concurrent_read_write_small",
            "concurrent_clone_write_small",
        ],
    },
    Claim {
        claim: "Even concurrent reads of a map need a lock.",
        instead: "Reads alone are safe. A lock is needed as soon as one goroutine writes.",
        scenarios: &["concurrent_read_read"],
    },
    Claim {
        claim: "`sync.Map.Range` holds a lock; using the map in the callback deadlocks.",
        instead: "It holds none: the callback may load, store and delete, in deferred calls too, and may panic.",
        scenarios: &[
            "syncmap_range_defer_load_store",
            "syncmap_range_panic_reuse",
        ],
    },
    Claim {
        claim: "Deleting from or inserting into a map while looping over it is an error.",
        instead: "In one goroutine both are legal. Only another goroutine makes it a hazard.",
        scenarios: &[
            "range_delete_same",
            "rangefunc_same_goroutine_write",
            "concurrent_range_delete_large",
        ],
    },
    Claim {
        claim: "A key that cannot be hashed is noticed only when it is compared with an entry.",
        instead: "It panics on an empty and on a nil map too, and `delete` of it from a nil map panics. The text is another one there.",
        scenarios: &[
            "unhashable_read_nil",
            "unhashable_delete_nil",
            "unhashable_read",
        ],
    },
    Claim {
        claim: "The arguments of a deferred call are evaluated when it runs.",
        instead: "They are evaluated at the `defer` statement, and so are the receiver and the function. Only what a closure captured is read later.",
        scenarios: &[
            "defer_args_evaluated_at_registration",
            "defer_method_on_nilmap_named",
            "defer_closure_read_after_nil",
        ],
    },
    Claim {
        claim: "`defer m[k]()` with a missing key panics at the `defer` statement.",
        instead: "A nil function is registered, and panics when it runs. A nil interface, `defer m[k].Close()`, is what panics at the statement.",
        scenarios: &["defer_nil_func_from_map", "defer_nil_interface_from_map"],
    },
    Claim {
        claim: "`defer delete(m, k)` works on whatever map `m` holds at the end.",
        instead: "It works on the map of the `defer` statement, and does not mind a nil one.",
        scenarios: &["defer_delete_nil", "defer_delete_replaced"],
    },
    Claim {
        claim: "With `mu.Lock()` and `defer mu.Unlock()` the whole function is protected.",
        instead: "A call deferred before the unlock runs after it, without the lock.",
        scenarios: &["defer_write_after_unlock", "defer_write_before_unlock"],
    },
    Claim {
        claim: "A panic in a deferred call hides the first panic.",
        instead: "When nobody recovers, all of them are printed. `recover` is what returns only the last.",
        scenarios: &[
            "panic_in_defer_while_panicking",
            "panic_three_deep",
            "panic_in_defer_recovered_loses_first",
        ],
    },
    Claim {
        claim: "Any function called by a deferred one can recover.",
        instead: "Only the deferred function itself can. One call deeper, or `defer recover()`, does not stop the panic.",
        scenarios: &[
            "recover_helper_called",
            "recover_not_direct",
            "recover_deferred_builtin",
            "recover_helper_deferred",
        ],
    },
    Claim {
        claim: "A recover in `main` protects the process.",
        instead: "It sees the panics of its own goroutine only.",
        scenarios: &["recover_other_goroutine"],
    },
    Claim {
        claim: "`panic(nil)` makes `recover` return nil.",
        instead: "It returns a `*runtime.PanicNilError`.",
        scenarios: &["panic_nil"],
    },
    Claim {
        claim: "A panic always ends in a recover or in a crash.",
        instead: "`runtime.Goexit` in a deferred call swallows it without a word.",
        scenarios: &["goexit_in_defer_aborts_panic"],
    },
    Claim {
        claim: "When a program that panics meets a fatal error, the original panic is in the log.",
        instead: "Only if the panicking goroutine is the one that notices. Else it is never printed.",
        scenarios: &["concurrent_fatal_in_defer_while_panicking"],
    },
    Claim {
        claim: "The runtime reports goroutines that are blocked for ever.",
        instead: "It does when all of them are. A program with one that still runs ends well, whatever it left behind.",
        scenarios: &["deadlock_send", "leak_send", "deadlock_hidden_by_timer"],
    },
    Claim {
        claim: "The goroutine leak profile finds every leak.",
        instead: "It finds none that something reachable still refers to: a channel in a package variable, or a channel captured by the closure together with the value that it sends.",
        scenarios: &["leak_send", "leak_send_captured", "leak_global_channel"],
    },
];

pub(super) fn print(out: &mut impl Write, measurement: &Measurement) -> io::Result<()> {
    let Some(toolchain) = measurement.toolchains.first() else {
        return writeln!(out, "Nothing was measured.");
    };
    writeln!(out, "# What articles claim and Go refutes\n")?;
    writeln!(
        out,
        "Each claim below is common, and wrong. Beside it stands what happened when we ran it: {}. \
         `goward lab run NAME` repeats a run on your Go, `goward lab show NAME` prints its program. All results are in \
         `scenarios/RESULTS.md`.\n",
        heading(&toolchain.facts, measurement.times)
    )?;
    for claim in CLAIMS {
        writeln!(out, "## “{}”\n", claim.claim)?;
        writeln!(out, "{}\n", claim.instead)?;
        for name in claim.scenarios {
            let Some(result) = toolchain
                .scenarios
                .iter()
                .find(|result| result.name == *name)
            else {
                continue;
            };
            writeln!(out, "- `{name}`")?;
            for line in lines(result) {
                writeln!(out, "  - {}", markdown_cell(line.trim()))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CLAIMS;
    use crate::lab::scenario;

    #[test]
    fn every_claim_has_runs() {
        let all = scenario::all().unwrap();
        for claim in CLAIMS {
            assert!(!claim.scenarios.is_empty(), "{}", claim.claim);
            for name in claim.scenarios {
                assert!(
                    all.iter().any(|scenario| scenario.name == *name),
                    "{name} is no scenario"
                );
            }
        }
    }
}
