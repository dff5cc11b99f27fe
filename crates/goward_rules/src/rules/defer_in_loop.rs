//! `defer-in-loop`: a loop defers the closing of what it opens.

use goward_diagnostics::{Category, Diagnostic, Severity};

use crate::context::Context;
use crate::loops::{finding, is_over_soon, looped_defers};
use crate::rule::{Group, rule};

rule! {
    /// Reports loops that defer the closing of what each turn opens.
    ///
    /// ## What it reports
    ///
    /// `defer v.Close()` in a loop, where `v` is a variable of the loop body that nothing keeps beyond the turn,
    /// and where the loop can come to the statement again, not only because something failed. Loops over a literal or
    /// with a small constant number of turns, function `main`, and tests and what serves them are left out: there
    /// few things are open, or the process is over soon.
    ///
    /// ## Why it matters
    ///
    /// A deferred call runs when the function returns, not at the end of the turn. Until then every file or
    /// connection stays open, and with enough turns the process has none left.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"io"
    /// 	"os"
    /// )
    ///
    /// func concatenate(out io.Writer, names []string) error {
    /// 	for _, name := range names {
    /// 		file, err := os.Open(name)
    /// 		if err != nil {
    /// 			return err
    /// 		}
    /// 		defer file.Close() // want defer-in-loop
    /// 		if _, err := io.Copy(out, file); err != nil {
    /// 			return err
    /// 		}
    /// 	}
    /// 	return nil
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"io"
    /// 	"os"
    /// )
    ///
    /// func concatenate(out io.Writer, names []string) error {
    /// 	for _, name := range names {
    /// 		if err := add(out, name); err != nil {
    /// 			return err
    /// 		}
    /// 	}
    /// 	return nil
    /// }
    ///
    /// func add(out io.Writer, name string) error {
    /// 	file, err := os.Open(name)
    /// 	if err != nil {
    /// 		return err
    /// 	}
    /// 	defer file.Close()
    /// 	_, err = io.Copy(out, file)
    /// 	return err
    /// }
    ///
    /// func first(names []string) ([]byte, error) {
    /// 	for _, name := range names {
    /// 		file, err := os.Open(name)
    /// 		if err != nil {
    /// 			continue
    /// 		}
    /// 		defer file.Close()
    /// 		return io.ReadAll(file)
    /// 	}
    /// 	return nil, os.ErrNotExist
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the body of the loop should become a function, whose name and parameters are for you to choose.
    pub(crate) const RULE: Rule = Rule {
        name: "defer-in-loop",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for looped in looped_defers(context) {
        let unit = context.flow.units.get(looped.unit);
        let Some(closes) = looped
            .closes
            .filter(|_| !is_over_soon(context, looped.unit))
        else {
            continue;
        };
        let name = context.text(unit.file, closes);
        findings.push(
            finding(
                context,
                &RULE,
                &looped,
                format!("`{name}` is opened in each turn and closed only when the function returns"),
            )
            .help(format!(
                "put the body of the loop into a function of its own, or close `{name}` at the end of the turn"
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn what_each_turn_opens() {
        check(
            &RULE,
            r#"
package p

import (
	"io"
	"os"
)

func use(io.Reader) error { return nil }
func wrap(r io.Reader) io.ReadCloser { return nil }

func plain(names []string) {
	for i := 0; i < len(names); i++ {
		f, _ := os.Open(names[i])
		defer f.Close() // want "`f` is opened in each turn"
		use(f)
	}
}
func wrapped(names []string) error {
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		r := wrap(f)
		defer r.Close() // want "`r` is opened"
		if err = use(r); err != nil {
			return err
		}
	}
	return nil
}
func branch(names []string) {
	for _, name := range names {
		if name != "" {
			f, _ := os.Open(name)
			defer f.Close() // want "`f` is opened"
		}
	}
}
func collected(names []string) (all []io.Reader) {
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close()
		all = append(all, f)
	}
	use(io.MultiReader(all...))
	return nil
}
func collectedWrapped(names []string) {
	var all []io.Reader
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close()
		r := wrap(f)
		all = append(all, r)
	}
	use(io.MultiReader(all...))
}
func stored(names []string, files map[string]*os.File) {
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close()
		files[name] = f
	}
}
func sent(names []string, out chan *os.File) {
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close()
		out <- f
	}
}
func goroutine(names []string) {
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close()
		go use(f)
	}
}
func retried(name string) error {
	for {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		return use(f)
	}
}
func outside(f *os.File) {
	for range 3 {
		defer f.Close()
	}
}
func fromList(files []*os.File) {
	for len(files) > 0 {
		f := files[0]
		files = files[1:]
		defer f.Close()
	}
}
func literal() {
	for _, name := range []string{"a", "b"} {
		f, _ := os.Open(name)
		defer f.Close()
	}
}
func literalVariable() {
	names := []string{"a", "b"}
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close()
	}
}
func grown(more []string) {
	names := []string{"a", "b"}
	names = append(names, more...)
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close() // want "`f` is opened"
	}
}
func three(name string) {
	for range 3 {
		f, _ := os.Open(name)
		defer f.Close()
	}
	const tries = 4
	for i := 1; i <= tries; i++ {
		f, _ := os.Open(name)
		defer f.Close()
	}
}
func thousand(name string) {
	for i := 0; i < 1000; i++ {
		f, _ := os.Open(name)
		defer f.Close() // want "`f` is opened"
	}
}
func again(name string) error {
	for {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := use(f); err != nil {
			continue
		}
		return nil
	}
}
func firstThatWorks(names []string) bool {
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		err = use(f)
		if err == nil {
			return true
		}
	}
	return false
}
func errorsKept(names []string) (last error) {
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		defer f.Close() // want "`f` is opened"
		if err = use(f); err != nil {
			last = err
		}
	}
	return last
}
func poll(name string) {
	for {
		f, err := os.Open(name)
		if err != nil {
			return
		}
		defer f.Close() // want "`f` is opened"
		if done() {
			return
		}
	}
}
func done() bool { return true }
func perTurn(names []string) {
	for _, name := range names {
		func() {
			f, _ := os.Open(name)
			defer f.Close()
			use(f)
		}()
	}
}
"#,
        );
    }

    #[test]
    fn what_serves_tests() {
        check(
            &RULE,
            r#"
-- harness.go --
package p

import (
	"os"
	"testing"
)

func Prepare(t *testing.T, names []string) {
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close()
	}
}
-- other.go --
package p

import "os"

func Serve(names []string) {
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close() // want "`f` is opened"
	}
}
"#,
        );
    }

    #[test]
    fn commands() {
        check(
            &RULE,
            r#"
package main

import "os"

func cat(names []string) {
	for _, name := range names {
		f, _ := os.Open(name)
		defer f.Close() // want "`f` is opened in each turn"
	}
}
func main() {
	for _, name := range os.Args {
		f, _ := os.Open(name)
		defer f.Close()
	}
	cat(os.Args)
}
"#,
        );
    }
}
