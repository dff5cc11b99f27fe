//! `recover-in-other-goroutine`: a function recovers panics, but not those of the goroutine it starts.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};

use crate::context::Context;
use crate::goroutine_panics::{finding, goroutine_panics};
use crate::rule::{Group, rule};

rule! {
    /// Reports panics in a goroutine whose starter recovers panics, which does not help.
    ///
    /// ## What it reports
    ///
    /// A call of `panic` in a goroutine, in its function or one that it calls, where nothing in the goroutine
    /// recovers, and the function that starts it has deferred a function that calls `recover`.
    ///
    /// ## Why it matters
    ///
    /// `recover` stops a panic of its own goroutine only. A panic in another goroutine ends the process, whatever
    /// the function that started it has deferred.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "log"
    ///
    /// func serve(jobs chan string) {
    /// 	defer func() {
    /// 		if cause := recover(); cause != nil {
    /// 			log.Print(cause)
    /// 		}
    /// 	}()
    /// 	go func() {
    /// 		for job := range jobs {
    /// 			if job == "" {
    /// 				panic("empty job") // want recover-in-other-goroutine
    /// 			}
    /// 		}
    /// 	}()
    /// 	jobs <- "first"
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "log"
    ///
    /// func serve(jobs chan string) {
    /// 	go func() {
    /// 		defer func() {
    /// 			if cause := recover(); cause != nil {
    /// 				log.Print(cause)
    /// 			}
    /// 		}()
    /// 		for job := range jobs {
    /// 			if job == "" {
    /// 				panic("empty job")
    /// 			}
    /// 		}
    /// 	}()
    /// 	jobs <- "first"
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: what the goroutine should do after a panic is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "recover-in-other-goroutine",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for found in goroutine_panics(context) {
        let Some((unit, defer)) = found.recover else {
            continue;
        };
        let name = context.function(unit);
        let message = format!(
            "this panic ends the process: `{name}` recovers panics of its own goroutine only"
        );
        let file = context.flow.units.get(unit).file;
        let begin = context.span(file, defer).start;
        findings.push(
            finding(context, &RULE, &found, message)
                .step(
                    context.path(file),
                    Span::new(begin, begin + 5),
                    "this recover belongs to another goroutine",
                )
                .help("defer a function that recovers in the goroutine, first thing"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn whose_recover() {
        check(
            &RULE,
            r#"
package p

import (
	"net/http"
	"sync"
)

type T struct{ n int }

func (t *T) must() {
	if t.n == 0 {
		panic("zero") // want "`all` recovers panics of its own goroutine only"
	}
}
func all(ts []*T) {
	defer func() { recover() }()
	for _, t := range ts {
		go t.must()
	}
}
func middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer logPanic()
		go func() {
			if r.Body == nil {
				panic("no body") // want "ends the process"
			}
		}()
		next.ServeHTTP(w, r)
	})
}
func logPanic() { if r := recover(); r != nil { println("panic") } }
func group(w *sync.WaitGroup) {
	defer logPanic()
	w.Go(func() { check(0) })
}
func check(n int) {
	if n == 0 {
		panic("zero") // want "`group` recovers"
	}
}

func inside() {
	defer logPanic()
	go func() {
		defer logPanic()
		panic("no")
	}()
}
func calleeRecovers() {
	defer logPanic()
	go func() { safely() }()
}
func safely() { defer logPanic(); panic("no") }
func nobody() { go func() { panic("no") }() }
func called() { defer logPanic(); func() { panic("no") }() }
"#,
        );
    }
}
