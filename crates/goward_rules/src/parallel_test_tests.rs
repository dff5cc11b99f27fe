//! Maps that parallel subtests and benchmarks share.

use crate::rule as named;
use crate::testing::check;

#[test]
fn what_package_testing_runs_at_once() {
    check(
        named("map-race").expect("the rule exists"),
        r#"
-- a_test.go --
package a

import (
	"sync"
	"testing"
)

func TestParallel(t *testing.T) {
	got := map[string]int{}
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got[name]++ // want map-race
		})
	}
}
func TestTwo(t *testing.T) {
	got := map[string]int{}
	t.Run("read", func(t *testing.T) {
		t.Parallel()
		println(got["a"])
	})
	t.Run("write", func(t *testing.T) {
		t.Parallel()
		got["a"]++ // want map-race
	})
}
func BenchmarkShared(b *testing.B) {
	cache := map[int]int{}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			cache[1]++ // want map-race
		}
	})
}

func TestSerial(t *testing.T) {
	got := map[string]int{}
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) { got[name]++ })
	}
}
func TestLocked(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mu.Lock()
			got[name]++
			mu.Unlock()
		})
	}
}
func TestParent(t *testing.T) {
	got := map[string]int{}
	t.Run("once", func(t *testing.T) {
		t.Parallel()
		got["a"]++
	})
	got["b"]++
	t.Cleanup(func() { clear(got) })
}
func TestPerTurn(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		own := map[string]int{}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own[name]++
		})
	}
}
func TestReads(t *testing.T) {
	want := map[string]int{"a": 1}
	for _, name := range []string{"a", "b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			println(want[name])
		})
	}
}
func TestGoroutineIsOver(t *testing.T) {
	m := map[string]int{}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		m["a"]++
	}()
	t.Run("later", func(t *testing.T) {
		t.Parallel()
		println(m["a"])
	})
	wg.Wait()
}
func BenchmarkOwn(b *testing.B) {
	total := map[int]int{}
	b.RunParallel(func(pb *testing.PB) {
		own := map[int]int{}
		for pb.Next() {
			own[1]++
		}
	})
	total[1]++
}
"#,
    );
}

#[test]
fn servers_of_tests_get_what_the_test_sends() {
    check(
        named("map-race").expect("the rule exists"),
        r#"
-- a_test.go --
package a

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// One request follows the other.
func setup(tokens map[string]int) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		tokens["issued"]++
	})
	mux.HandleFunc("/user", func(w http.ResponseWriter, r *http.Request) {
		for range tokens {
		}
	})
	return httptest.NewServer(mux)
}

func TestLogin(t *testing.T) {
	server := setup(map[string]int{})
	defer server.Close()
	for _, path := range []string{"/token", "/user"} {
		if _, err := http.Get(server.URL + path); err != nil {
			t.Fatal(err)
		}
	}
}
-- b_test.go --
package a

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

func TestMany(t *testing.T) {
	hits := map[string]int{}
	mux := http.NewServeMux()
	mux.HandleFunc("/hit", func(w http.ResponseWriter, r *http.Request) {
		hits[r.URL.Path]++ // want map-race
	})
	mux.HandleFunc("/all", func(w http.ResponseWriter, r *http.Request) {
		for range hits {
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			http.Get(server.URL + "/hit")
			http.Get(server.URL + "/all")
		}()
	}
	wg.Wait()
}
"#,
    );
}
