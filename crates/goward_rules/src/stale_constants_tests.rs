//! Cases of `stale-defer-argument` about variables that are still a constant.

use crate::rule as named;
use crate::testing::check;

#[test]
fn constants_that_are_set_later() {
    check(
        named("stale-defer-argument").expect("the rule exists"),
        r#"
package p

import (
	"fmt"
	"log"
)

func use(...any)   {}
func report(string) {}
func setMode(int)  {}

func counted(items []string) int {
	count := 0
	defer fmt.Println("processed", count) // want "`count` is evaluated at the `defer` statement and set after it"
	for range items {
		count++
	}
	return count
}
func status() {
	status := "failed"
	defer report(status) // want "`status` is evaluated"
	use()
	status = "ok"
}
func flag() {
	var ok bool
	defer log.Println("success:", ok) // want "`ok` is evaluated"
	use()
	ok = true
}
func sum(values []float64) {
	var total float64
	defer log.Print("total ", total) // want "`total` is evaluated"
	for _, value := range values {
		total = total + value
	}
	use(total)
}
func result() (n int) {
	defer log.Printf("wrote %d", n) // want "`n` is evaluated"
	n = 5
	return n
}

func turns() {
	for i := 0; i < 3; i++ {
		defer fmt.Println(i)
	}
}
func restored() {
	mode := 1
	defer setMode(mode)
	mode = 2
	use(mode)
}
func parameter(n int) {
	defer fmt.Println("n was", n)
	n++
	use(n)
}
func changedBefore() {
	depth := 3
	depth++
	defer fmt.Println(depth)
	depth = 1
	use(depth)
}
func unchanged() {
	name := "a"
	defer log.Println("leaving", name)
	use(name)
}
func literal() {
	x := 1
	defer func(v int) { fmt.Println(v) }(x)
	x = 2
	use(x)
}
func inLoop(items []string) {
	n := 0
	for range items {
		defer fmt.Println(n)
		n++
	}
}
func captured() {
	n := 0
	increase := func() { n++ }
	defer report(fmt.Sprint(n))
	increase()
}
"#,
    );
}
