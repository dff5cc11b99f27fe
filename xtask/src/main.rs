//! `cargo xtask`: the project's own chores. One file a chore.

#[cfg(test)]
mod architecture;
mod bench_check;
mod bench_dump;
mod bench_kubernetes;
mod bench_page;
mod bench_parse;
mod bench_trace;
mod bench_types;
#[path = "../../crates/goward/tests/browser/mod.rs"]
#[expect(dead_code, reason = "the tests of the page use more of it")]
mod browser;
mod conformance;
mod counts;
mod docs;
mod ecosystem;
mod go_program;
mod go_toolchain;
mod go_types;
mod new_rule;
mod oracle;
mod oracle_list;
mod oracle_parse;
mod oracle_parse_mutants;
mod oracle_trace;
mod realbugs;
mod std_summary;
mod test;
mod unicode_tables;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(clap::Subcommand)]
enum Chore {
    /// Run all tests; `--slow` adds the checks that take longer than the default suite may.
    Test(test::Arguments),
    /// Start a rule: its file with a page to fill in, registered in the list.
    NewRule(new_rule::Arguments),
    /// Make the rules' pages in docs/rules from their doc comments.
    Docs(docs::Arguments),
    /// Count what the parser and the checker do (allocations, nodes) into bench/counts.txt.
    Counts(counts::Arguments),
    /// Show what `goward check` finds in pinned modules of other people, against bench/ecosystem.txt.
    Ecosystem(ecosystem::Arguments),
    /// Compare the parser with go/parser over all files of a Go installation.
    OracleParse(oracle_parse::Arguments),
    /// Compare every fact of the type checker with go/types.
    Oracle(oracle::Arguments),
    /// Check Go's own tests of type checkers and compilers, into conformance/types.txt.
    Conformance(conformance::Arguments),
    /// Compare packages, files and imports with `go list -deps -test`.
    OracleList(oracle_list::Arguments),
    /// Compare the trace reader with Go's own readers.
    OracleTrace(oracle_trace::Arguments),
    /// Show which bugs of a list `goward check` finds before their fix and not after it.
    Realbugs(realbugs::Arguments),
    /// Make the summary of the standard library for machines without Go; `--check` compares it.
    StdSummary(std_summary::Arguments),
    /// Make the lexer's tables of letters and digits from Go's package unicode.
    UnicodeTables(unicode_tables::Arguments),
    /// Measure against the peers, in CPU time, in one run.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(clap::Subcommand)]
enum Bench {
    /// `goward check` against go vet and staticcheck, on copies, and on Kubernetes.
    Check(bench_check::Arguments),
    /// The parser against go/parser.
    Parse(bench_parse::Arguments),
    /// The checker against go/types.
    Types(bench_types::Arguments),
    /// The trace reader against golang.org/x/exp/trace.
    Trace(bench_trace::Arguments),
    /// The dump reader against panicparse.
    Dump(bench_dump::Arguments),
    /// The profile reader against go tool pprof.
    Profile(bench_dump::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Test(arguments) => test::run(&arguments),
        Chore::NewRule(arguments) => new_rule::run(&arguments),
        Chore::Docs(arguments) => docs::run(&arguments),
        Chore::Counts(arguments) => counts::run(&arguments),
        Chore::Ecosystem(arguments) => ecosystem::run(&arguments),
        Chore::OracleParse(arguments) => oracle_parse::run(arguments),
        Chore::Oracle(arguments) => oracle::run(&arguments),
        Chore::Conformance(arguments) => conformance::run(&arguments),
        Chore::OracleList(arguments) => oracle_list::run(&arguments),
        Chore::OracleTrace(arguments) => oracle_trace::run(&arguments),
        Chore::Realbugs(arguments) => realbugs::run(&arguments),
        Chore::StdSummary(arguments) => std_summary::run(&arguments),
        Chore::UnicodeTables(arguments) => unicode_tables::run(&arguments),
        Chore::Bench(Bench::Check(arguments)) => bench_check::run(&arguments),
        Chore::Bench(Bench::Parse(arguments)) => bench_parse::run(&arguments),
        Chore::Bench(Bench::Types(arguments)) => bench_types::run(&arguments),
        Chore::Bench(Bench::Trace(arguments)) => bench_trace::run(&arguments),
        Chore::Bench(Bench::Dump(arguments)) => bench_dump::dump(&arguments),
        Chore::Bench(Bench::Profile(arguments)) => bench_dump::profile(&arguments),
    }
}
