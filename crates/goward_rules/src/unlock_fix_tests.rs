//! Which exits that keep a lock get a fix: none whose results read what the lock may guard.

use goward_diagnostics::Safety;

use crate::testing::findings;

/// The safety of the fix for the one finding in a method `Get` that returns this with its lock held.
#[track_caller]
fn check(results: &str, fix: Option<Safety>) {
    let text = format!(
        "package a\nimport (\n\t\"errors\"\n\t\"sync\"\n)\nvar shared int\nconst limit = 3\n\
         type T struct {{\n\tmu sync.RWMutex\n\tm  map[string]int\n\tn  *int\n}}\n\
         func (t *T) Get(k string, early bool) (int, error) {{\n\tt.mu.RLock()\n\tv := 1\n\t\
         if early {{\n\t\treturn {results}\n\t}}\n\tt.mu.RUnlock()\n\treturn v, nil\n}}\n"
    );
    let found = findings(&goward_flow::testing::sources(&text));
    let mut found = found
        .iter()
        .filter(|finding| finding.rule == "unlock-missing-on-path");
    let finding = found.next().expect("the exit keeps the lock");
    assert_eq!(finding.fix.as_ref().map(|fix| fix.safety), fix, "{results}");
}

#[test]
fn results_that_read_what_the_lock_may_guard() {
    check("0, nil", Some(Safety::Safe));
    check("v, nil", Some(Safety::Safe));
    check("limit, nil", Some(Safety::Safe));
    check("0, errors.New(\"early\")", Some(Safety::Unsafe));
    check("v + 1, nil", Some(Safety::Unsafe));
    check("t.m[k], nil", None);
    check("len(t.m), nil", None);
    check("*t.n, nil", None);
    check("shared, nil", None);
}
