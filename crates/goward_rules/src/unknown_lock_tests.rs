//! Locks of packages that are not there: only the name of the method says that they are locks.

use crate::rule as named;
use crate::testing::check_incomplete;

#[test]
fn whose_result_is_asked_for_may_not_have_locked() {
    let rule = named("unlock-missing-on-path").expect("the rule exists");
    check_incomplete(
        rule,
        r#"
package a

import "example.com/absent/filelock"

func init() { println() }

func create(path string) error {
	lock, err := filelock.New(path)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := lock.Lock(); err != nil {
		return err
	}
	defer lock.Unlock()
	return nil
}
func tried(path string, work func() error) error {
	lock := filelock.For(path)
	err := lock.Lock()
	if err != nil {
		return err
	}
	if err := work(); err != nil {
		return err
	}
	return lock.Unlock()
}
func taken(path string, work func() error) error {
	lock := filelock.For(path)
	lock.Lock()
	if err := work(); err != nil {
		return err // want unlock-missing-on-path
	}
	lock.Unlock()
	return nil
}
"#,
    );
}
