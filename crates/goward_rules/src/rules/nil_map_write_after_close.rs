//! `nil-map-write-after-close`: a map is written that a closing function sets to nil.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::Origin;

use crate::context::Context;
use crate::nil_maps::left_nil;
use crate::rule::{Group, rule};

rule! {
    /// Reports writes to a map field that a closing function of the package sets to nil.
    ///
    /// ## What it reports
    ///
    /// A write to a field which a function such as `Close`, `Stop` or `abort` sets to nil, in another function
    /// that does not test it. Whether that function can still run by then is not looked at: often it cannot,
    /// which is why the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// A write to a nil map panics with `assignment to entry in nil map`; reading it gives the zero value,
    /// so nothing shows until then.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type server struct {
    /// 	mu    sync.Mutex
    /// 	conns map[string]bool
    /// }
    ///
    /// func newServer() *server {
    /// 	return &server{conns: map[string]bool{}}
    /// }
    ///
    /// func (s *server) Stop() {
    /// 	s.mu.Lock()
    /// 	defer s.mu.Unlock()
    /// 	s.conns = nil
    /// }
    ///
    /// func (s *server) accept(name string) {
    /// 	s.mu.Lock()
    /// 	defer s.mu.Unlock()
    /// 	s.conns[name] = true // want nil-map-write-after-close
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type server struct {
    /// 	mu    sync.Mutex
    /// 	conns map[string]bool
    /// }
    ///
    /// func newServer() *server {
    /// 	return &server{conns: map[string]bool{}}
    /// }
    ///
    /// func (s *server) Stop() {
    /// 	s.mu.Lock()
    /// 	defer s.mu.Unlock()
    /// 	s.conns = nil
    /// }
    ///
    /// func (s *server) accept(name string) {
    /// 	s.mu.Lock()
    /// 	defer s.mu.Unlock()
    /// 	if s.conns == nil {
    /// 		return
    /// 	}
    /// 	s.conns[name] = true
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: where the map should be made is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "nil-map-write-after-close",
        category: Category::Panic,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for write in &context.flow.nil_maps().never_made {
        if matches!(write.origin, Origin::Closed(..)) {
            findings.push(left_nil(context, &RULE, write));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn goroutines_of_a_function_that_tested() {
        check(
            &RULE,
            r#"
package p

import "sync"

type server struct {
	mu    sync.Mutex
	conns map[string]bool
}

func newServer() *server { return &server{conns: map[string]bool{}} }
func (s *server) Stop() { s.mu.Lock(); s.conns = nil; s.mu.Unlock() }
func (s *server) handle(name string) {}
func each(visit func(string)) {}

func (s *server) serve(name string) {
	s.mu.Lock()
	if s.conns == nil {
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	go func() {
		s.mu.Lock()
		s.conns[name] = true // want "`server.Stop` sets it to nil"
		s.mu.Unlock()
		each(func(other string) { s.handle(other) })
	}()
}
func (s *server) tested(name string) {
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conns != nil {
			s.conns[name] = true
		}
	}()
}
"#,
        );
    }
}
