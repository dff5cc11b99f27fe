//! Graphs as text: for every exit the deferred calls in the order in which they run.

use std::fmt::Write;

use crate::graph::{ExitKind, Step};
use crate::testing::{sources, with_packages};
use crate::unit::Units;

/// Per function and reachable exit: `name: kind [deferred calls; ? maybe, * repeated]`.
#[track_caller]
fn check(text: &str, wanted: &str) {
    let mut found = String::new();
    with_packages(&sources(text), |package| {
        let units = Units::new(package);
        for (_, unit) in units.iter() {
            let file = &package.files[unit.file];
            let mut reachable = vec![false; unit.graph.block_count()];
            for &block in unit.graph.reverse_postorder() {
                reachable[block.index()] = true;
            }
            for exit in &unit.graph.exits {
                if !reachable[exit.from.index()] {
                    continue;
                }
                assert!(matches!(unit.graph.block(exit.terminal).successors, []));
                let calls: Vec<String> = exit
                    .deferred
                    .iter()
                    .map(|call| {
                        let span = file.tree.span(call.statement);
                        let text = String::from_utf8_lossy(&file.source[span.range()]);
                        let text = text.trim_start_matches("defer ");
                        let maybe = if call.maybe { "?" } else { "" };
                        let repeated = if call.repeated { "*" } else { "" };
                        format!("{text}{maybe}{repeated}")
                    })
                    .collect();
                let kind = match exit.kind {
                    ExitKind::Return => "return",
                    ExitKind::End => "end",
                    ExitKind::Panic => "panic",
                    ExitKind::Goexit => "goexit",
                    ExitKind::ProcessExit => "process exit",
                };
                let _ = writeln!(found, "{}: {kind} [{}]", unit.name, calls.join(" "));
            }
        }
    });
    assert_eq!(found.trim(), wanted.trim());
}

#[test]
fn deferred_calls_run_last_in_first_out_at_each_exit() {
    check(
        "package a
func f(c bool) {
	defer a()
	if c {
		return
	}
	defer b()
}
func a() {}
func b() {}
",
        "f: return [a()]\nf: end [b() a()]\na: end []\nb: end []",
    );
}

#[test]
fn calls_that_some_paths_register_are_maybe() {
    check(
        "package a
func f(c bool, n int) {
	if c {
		defer println(1)
	} else {
		defer println(2)
	}
	defer println(3)
	for range n {
		defer println(4)
	}
}
",
        "f: end [println(4)?* println(3) println(2)? println(1)?]",
    );
}

#[test]
fn what_does_not_return_ends_the_path() {
    check(
        "package a
import (
	\"log\"
	\"os\"
	\"runtime\"
)
type T struct{}
func (t *T) die() { fatal() }
func fatal() { log.Fatal(1) }
func f(n int, t *T) {
	defer println(0)
	switch n {
	case 1:
		panic(1)
	case 2:
		os.Exit(1)
	case 3:
		runtime.Goexit()
	case 4:
		t.die()
	case 5:
		fallthrough
	default:
		func() { panic(2) }()
	}
	for {
	}
}
",
        "T.die: process exit []
fatal: process exit []
f: panic [println(0)]
f: process exit []
f: goexit [println(0)]
f: process exit []
f.func1: panic []",
    );
}

#[test]
fn loops_that_surely_turn_do_and_those_without_an_end_do_not_end() {
    check(
        "package a
import \"time\"
func numbers() {
	for range 3 {
		defer println(1)
	}
	for i := 0; i < 2; i++ {
		defer println(2)
	}
	for i := 0; i > 2; i-- {
		defer println(3)
	}
	for range []int{1} {
		defer println(4)
	}
	for range \"\" {
		defer println(5)
	}
}
func ticks(t *time.Ticker) {
	defer println(1)
	for range t.C {
	}
}
func tick() {
	for range time.Tick(time.Second) {
	}
}
func leaves(t *time.Ticker) {
	defer println(1)
	for range t.C {
		break
	}
}
",
        "numbers: end [println(5)?* println(4)* println(3)?* println(2)* println(1)*]
leaves: end [println(1)]",
    );
}

#[test]
fn jumps_and_labels_lead_where_they_say() {
    check(
        "package a
func f(c chan int) {
outer:
	for {
		select {
		case <-c:
			break outer
		case x := <-c:
			if x > 0 {
				continue outer
			}
			break
		}
		goto end
	}
	defer println(1)
	return
end:
	defer println(2)
}
func g() { select {} }
func h() { for true {} }
",
        "f: return [println(1)]\nf: end [println(2)]",
    );
}

#[test]
fn operands_come_before_their_operation_and_branches_split_conditions() {
    with_packages(
        &sources(
            "package a
func f(m map[string]int, a, b func() bool) {
	if a() && !b() {
		m[\"x\"] = m[\"y\"] + 1
	}
}
",
        ),
        |package| {
            let units = Units::new(package);
            let unit = &units.list[0];
            let file = &package.files[0];
            let mut text = String::new();
            for &block in unit.graph.reverse_postorder() {
                let block = unit.graph.block(block);
                for step in block.steps {
                    let (Step::Expression(node) | Step::Statement(node)) = *step else {
                        continue;
                    };
                    let span = file.tree.span(node);
                    let _ = write!(
                        text,
                        "{}|",
                        String::from_utf8_lossy(&file.source[span.range()])
                    );
                }
                let _ = writeln!(text, "{}", block.successors.len());
            }
            assert_eq!(
                text,
                "a()|2\nb()|2\nm[\"y\"]|m[\"y\"] + 1|m[\"x\"] = m[\"y\"] + 1|1\n1\n0\n"
            );
        },
    );
}
