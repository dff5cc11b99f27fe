//! Cases of `map-race`: who can be at a map at the same time.

use crate::rules::map_race;
use crate::testing::check;

#[test]
fn branches_that_exclude_each_other() {
    check(
        &map_race::RULE,
        r#"
package p

import "sync"

func note(m map[string]int, k string) { m[k]++ }

func either(m map[string]int, keys []string, parallel bool) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, k := range keys {
		if !parallel {
			note(m, k)
		} else {
			wg.Add(1)
			go func() {
				defer wg.Done()
				mu.Lock()
				defer mu.Unlock()
				note(m, k)
			}()
		}
	}
	if parallel {
		wg.Wait()
	}
}
func changing(m map[string]int, keys []string) {
	var mu sync.Mutex
	for i, k := range keys {
		if i%2 == 0 {
			m[k]++ // want "`m` is written while another goroutine"
		} else {
			go func() {
				mu.Lock()
				defer mu.Unlock()
				m[k]++
			}()
		}
	}
}
func assigned(m map[string]int, keys []string, parallel bool) {
	var mu sync.Mutex
	for _, k := range keys {
		if parallel {
			go func() {
				mu.Lock()
				defer mu.Unlock()
				m[k]++
			}()
		} else {
			m[k]++ // want "`m` is written while another goroutine"
		}
		parallel = !parallel
	}
}
"#,
    );
}
