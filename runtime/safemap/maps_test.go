package safemap_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"goward.dev/runtime/safemap"
)

// shared is what the three maps have in common.
type shared[K comparable, V any] interface {
	Load(K) (V, bool)
	Store(K, V)
	LoadOrStore(K, V) (V, bool)
	LoadAndDelete(K) (V, bool)
	Delete(K)
	Swap(K, V) (V, bool)
	CompareAndSwap(K, V, V) bool
	CompareAndDelete(K, V) bool
	Compute(K, func(V, bool) (V, bool)) (V, bool)
	Update(K, func(V, bool) V) V
	Deferred(K) safemap.Captured[V]
	Range(func(K, V) bool)
	All() iter.Seq2[K, V]
	Keys() iter.Seq[K]
	Values() iter.Seq[V]
	Snapshot() map[K]V
	Len() int
	Clear()
	String() string
	json.Marshaler
	json.Unmarshaler
}

// kind makes zero values of one of the maps, and clones of them.
type kind[K comparable, V any] struct {
	name  string
	zero  func() shared[K, V]
	clone func(shared[K, V]) shared[K, V]
}

func kinds[K comparable, V any]() []kind[K, V] {
	return []kind[K, V]{
		{"RW", func() shared[K, V] { return new(safemap.RW[K, V]) },
			func(m shared[K, V]) shared[K, V] { return m.(*safemap.RW[K, V]).Clone() }},
		{"Sync", func() shared[K, V] { return new(safemap.Sync[K, V]) },
			func(m shared[K, V]) shared[K, V] { return m.(*safemap.Sync[K, V]).Clone() }},
		{"Sharded", func() shared[K, V] { return new(safemap.Sharded[K, V]) },
			func(m shared[K, V]) shared[K, V] { return m.(*safemap.Sharded[K, V]).Clone() }},
	}
}

func each[K comparable, V any](t *testing.T, f func(t *testing.T, k kind[K, V])) {
	for _, k := range kinds[K, V]() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			within(t, time.Minute, func() { f(t, k) })
		})
	}
}

// within fails with all stacks instead of hanging.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		buffer := make([]byte, 1<<20)
		t.Fatalf("deadlock:\n%s", buffer[:runtime.Stack(buffer, true)])
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestZeroValueReads(t *testing.T) {
	each(t, func(t *testing.T, k kind[string, int]) {
		m := k.zero()
		v, ok := m.Load("a")
		equal(t, "Load", v, 0)
		equal(t, "Load", ok, false)
		_, ok = m.LoadAndDelete("a")
		equal(t, "LoadAndDelete", ok, false)
		m.Delete("a")
		m.Clear()
		equal(t, "CompareAndSwap", m.CompareAndSwap("a", 0, 1), false)
		equal(t, "CompareAndDelete", m.CompareAndDelete("a", 0), false)
		equal(t, "Len", m.Len(), 0)
		for range m.All() {
			t.Error("an entry in an empty map")
		}
		equal(t, "String", m.String(), "map[]")
		equal(t, "Clone", k.clone(m).Len(), 0)
		if m.Snapshot() == nil {
			t.Error("Snapshot is nil")
		}
		_, ok = m.Deferred("a").Get()
		equal(t, "Deferred", ok, false)
		actual, ok := m.Compute("a", func(old int, loaded bool) (int, bool) { return 7, false })
		equal(t, "Compute", actual, 0)
		equal(t, "Compute", ok, false)
		equal(t, "Len after a Compute that keeps nothing", m.Len(), 0)
	})
}

func TestMethods(t *testing.T) {
	each(t, func(t *testing.T, k kind[string, int]) {
		m := k.zero()
		m.Store("a", 1)
		v, ok := m.Load("a")
		equal(t, "Load", v, 1)
		equal(t, "Load", ok, true)
		v, ok = m.LoadOrStore("a", 2)
		equal(t, "LoadOrStore present", v, 1)
		equal(t, "LoadOrStore present", ok, true)
		v, ok = m.LoadOrStore("b", 2)
		equal(t, "LoadOrStore absent", v, 2)
		equal(t, "LoadOrStore absent", ok, false)
		v, ok = m.Swap("a", 3)
		equal(t, "Swap present", v, 1)
		equal(t, "Swap present", ok, true)
		v, ok = m.Swap("c", 4)
		equal(t, "Swap absent", v, 0)
		equal(t, "Swap absent", ok, false)
		equal(t, "CompareAndSwap wrong", m.CompareAndSwap("a", 1, 9), false)
		equal(t, "CompareAndSwap right", m.CompareAndSwap("a", 3, 5), true)
		equal(t, "CompareAndDelete wrong", m.CompareAndDelete("a", 3), false)
		equal(t, "CompareAndDelete right", m.CompareAndDelete("a", 5), true)
		v, ok = m.LoadAndDelete("b")
		equal(t, "LoadAndDelete", v, 2)
		equal(t, "LoadAndDelete", ok, true)
		equal(t, "Len", m.Len(), 1)
		equal(t, "Update present", m.Update("c", func(old int, loaded bool) int {
			equal(t, "loaded", loaded, true)
			return old + 1
		}), 5)
		equal(t, "Update absent", m.Update("d", func(old int, loaded bool) int {
			equal(t, "loaded", loaded, false)
			return old + 1
		}), 1)
		v, ok = m.Compute("c", func(old int, loaded bool) (int, bool) { return old, false })
		equal(t, "Compute that removes", ok, false)
		equal(t, "Compute that removes", v, 0)
		if got := m.Snapshot(); !maps.Equal(got, map[string]int{"d": 1}) {
			t.Errorf("at the end: %v", got)
		}
	})
}

func TestIterationAndClone(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, int]) {
		m := k.zero()
		want := map[int]int{}
		for i := range 1000 {
			m.Store(i, i*i)
			want[i] = i * i
		}
		if got := maps.Collect(m.All()); !maps.Equal(got, want) {
			t.Errorf("All: %v", got)
		}
		keys := slices.Sorted(m.Keys())
		if !slices.Equal(keys, slices.Sorted(maps.Keys(want))) {
			t.Errorf("Keys: %v", keys)
		}
		if got := slices.Sorted(m.Values()); !slices.Equal(got, slices.Sorted(maps.Values(want))) {
			t.Errorf("Values: %v", got)
		}
		n := 0
		for range m.All() {
			if n++; n == 10 {
				break
			}
		}
		equal(t, "loop left early", n, 10)
		clone := k.clone(m)
		m.Store(1, -1)
		clone.Delete(2)
		v, _ := clone.Load(1)
		equal(t, "the clone after a change of the original", v, 1)
		v, _ = m.Load(2)
		equal(t, "the original after a change of the clone", v, 4)
		equal(t, "Len of the clone", clone.Len(), 999)
		m.Clear()
		equal(t, "Len after Clear", m.Len(), 0)
		equal(t, "Len of the clone after Clear", clone.Len(), 999)
		for range m.All() {
			t.Error("an entry after Clear")
		}
	})
}

func TestGrowAndShrink(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, int]) {
		m := k.zero()
		for i := range 20000 {
			m.Store(i, i)
		}
		for i := range 19990 {
			m.Delete(i)
		}
		equal(t, "Len", m.Len(), 10)
		for i := 19990; i < 20000; i++ {
			v, ok := m.Load(i)
			equal(t, "value", v, i)
			equal(t, "found", ok, true)
		}
	})
}

// Every callback calls back in, for its own key too.
func TestCallbacksMayUseTheMap(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, int]) {
		m := k.zero()
		for i := range 100 {
			m.Store(i, i)
		}
		use := func(key int) {
			m.Load(key)
			m.Store(key, -key)
			m.LoadOrStore(key+1000, key)
			m.Swap(key, key)
			m.CompareAndSwap(key, key, key)
			m.LoadAndDelete(key + 1000)
			m.Update(key+2000, func(old int, _ bool) int { return old + 1 })
			m.Len()
			k.clone(m)
			m.Snapshot()
			_ = m.String()
			for range m.Keys() {
				break
			}
			m.CompareAndDelete(key+2000, 1)
		}
		m.Range(func(key, _ int) bool { use(key % 1000); return true })
		for key := range m.All() {
			use(key % 1000)
		}
		for key := range m.Keys() {
			use(key % 1000)
		}
		for value := range m.Values() {
			use(value % 100)
		}
		equal(t, "Update with itself inside", m.Update(5, func(old int, _ bool) int {
			use(5)
			m.Update(5, func(int, bool) int { return 77 })
			return 42
		}), 42)
		v, _ := m.Load(5)
		equal(t, "the value that the outer function returned", v, 42)
		v, ok := m.Compute(6, func(int, bool) (int, bool) { m.Clear(); return 1, true })
		equal(t, "Compute that clears", v, 1)
		equal(t, "Compute that clears", ok, true)
		equal(t, "Len", m.Len(), 1)
		m.Compute(6, func(int, bool) (int, bool) { m.Delete(6); return 0, false })
		equal(t, "Len", m.Len(), 0)
	})
}

// Two functions that each change the key of the other must not wait for each other.
func TestCrosswiseComputes(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, int]) {
		m := k.zero()
		var group sync.WaitGroup
		for g := range 4 {
			group.Add(1)
			go func() {
				defer group.Done()
				for range 200 {
					m.Update(g%2, func(old int, _ bool) int {
						m.Update(1-g%2, func(old int, _ bool) int { return old + 1 })
						return old
					})
				}
			}()
		}
		group.Wait()
	})
}

func TestUpdateIsAtomic(t *testing.T) {
	each(t, func(t *testing.T, k kind[string, int]) {
		m := k.zero()
		var group sync.WaitGroup
		var calls atomic.Int64
		for g := range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				for i := range 1000 {
					switch (i + g) % 3 {
					case 0:
						m.Update("n", func(old int, _ bool) int { calls.Add(1); runtime.Gosched(); return old + 1 })
					case 1:
						m.Compute("n", func(old int, _ bool) (int, bool) { return old + 1, true })
					case 2:
						for {
							old, ok := m.Load("n")
							if ok && m.CompareAndSwap("n", old, old+1) {
								break
							}
							if _, loaded := m.LoadOrStore("n", 1); !loaded {
								break
							}
						}
					}
				}
			}()
		}
		group.Wait()
		v, _ := m.Load("n")
		equal(t, "sum", v, 8000)
		t.Logf("%d calls for 2667 updates", calls.Load())
	})
}

// A slow function gets its turn although others write the key all the time.
func TestSlowComputeIsNotStarved(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, int]) {
		m := k.zero()
		var stop atomic.Bool
		var group sync.WaitGroup
		for range 2 {
			group.Add(1)
			go func() {
				defer group.Done()
				for !stop.Load() {
					m.Store(1, 1)
					runtime.Gosched()
				}
			}()
		}
		calls := 0
		m.Update(1, func(int, bool) int { calls++; time.Sleep(2 * time.Millisecond); return 2 })
		stop.Store(true)
		group.Wait()
		if calls > 8 {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestPanicInComputeLeavesTheMapUsable(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, int]) {
		m := k.zero()
		m.Store(1, 1)
		for range 3 {
			func() {
				defer func() { _ = recover() }()
				m.Update(1, func(int, bool) int { m.Store(1, 2); panic("x") })
			}()
			func() {
				defer func() { _ = recover() }()
				n := 0
				m.Update(1, func(int, bool) int {
					if n++; n > 6 {
						panic("late")
					}
					m.Store(1, n)
					return 0
				})
			}()
			func() {
				defer func() { _ = recover() }()
				m.Range(func(int, int) bool { panic("x") })
			}()
		}
		m.Store(1, 3)
		equal(t, "Update", m.Update(1, func(old int, _ bool) int { return old + 1 }), 4)
	})
}

func TestUnhashableKeyAndIncomparableValue(t *testing.T) {
	panics := func(t *testing.T, what string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", what)
			}
		}()
		f()
	}
	each(t, func(t *testing.T, k kind[any, any]) {
		m := k.zero()
		m.Store("a", []int{1})
		m.Store(nil, nil)
		bad := []int{1}
		panics(t, "Load", func() { m.Load(bad) })
		panics(t, "Store", func() { m.Store(bad, 1) })
		panics(t, "LoadOrStore", func() { m.LoadOrStore(bad, 1) })
		panics(t, "LoadAndDelete", func() { m.LoadAndDelete(bad) })
		panics(t, "Delete", func() { m.Delete(bad) })
		panics(t, "Swap", func() { m.Swap(bad, 1) })
		panics(t, "Compute", func() { m.Compute(bad, func(any, bool) (any, bool) { return 1, true }) })
		panics(t, "CompareAndSwap", func() { m.CompareAndSwap("a", []int{1}, 2) })
		panics(t, "CompareAndDelete", func() { m.CompareAndDelete("a", []int{1}) })
		equal(t, "Len", m.Len(), 2)
		m.Update("a", func(any, bool) any { return []int{2} })
		v, ok := m.Load(nil)
		equal(t, "nil value", v, nil)
		equal(t, "nil key", ok, true)
		found := false
		for key := range m.Keys() {
			found = found || key == nil
		}
		equal(t, "nil key found by Keys", found, true)
	})
}

func TestNaNKeys(t *testing.T) {
	each(t, func(t *testing.T, k kind[float64, int]) {
		m := k.zero()
		nan := math.NaN()
		m.Store(nan, 1)
		_, ok := m.Load(nan)
		equal(t, "NaN is found", ok, false)
		equal(t, "Update of NaN", m.Update(nan, func(old int, loaded bool) int { return old + 5 }), 5)
		m.Delete(nan)
		equal(t, "Len", m.Len(), 2)
		m.Clear()
		equal(t, "Len after Clear", m.Len(), 0)
		m.Store(0, 1)
		v, _ := m.Load(math.Copysign(0, -1))
		equal(t, "-0 is 0", v, 1)
	})
}

func TestJSON(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, []string]) {
		m := k.zero()
		text, err := json.Marshal(m)
		if err != nil || string(text) != "{}" {
			t.Errorf("empty: %s, %v", text, err)
		}
		m.Store(2, []string{"b"})
		m.Store(10, nil)
		text, err = json.Marshal(struct{ M any }{m})
		if err != nil || string(text) != `{"M":{"10":null,"2":["b"]}}` {
			t.Errorf("got %s, %v", text, err)
		}
		if err := json.Unmarshal([]byte(`{"2":["c"],"3":[]}`), m); err != nil {
			t.Error(err)
		}
		equal(t, "after unmarshalling", m.String(), "map[2:[c] 3:[] 10:[]]")
		if err := json.Unmarshal([]byte(`{"2":["x"],"4":7}`), m); err == nil {
			t.Error("a number passed for a list")
		}
		if err := m.UnmarshalJSON([]byte(`{"2":`)); err == nil {
			t.Error("half a text passed")
		}
		equal(t, "after an error", m.String(), "map[2:[c] 3:[] 10:[]]")
		if err := json.Unmarshal([]byte(`{"x":[]}`), m); err == nil {
			t.Error("a word passed for an int key")
		}
		if err := json.Unmarshal([]byte("null"), m); err != nil || m.Len() != 0 {
			t.Errorf("null: %v, %v", m, err)
		}
	})
}

// A struct field of map type is written and read by encoding/json through a pointer to the struct.
func TestJSONField(t *testing.T) {
	type document struct{ Counts safemap.Sharded[string, int] }
	var d, e document
	d.Counts.Store("a", 1)
	text, err := json.Marshal(&d)
	if err != nil || string(text) != `{"Counts":{"a":1}}` {
		t.Fatalf("%s, %v", text, err)
	}
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	equal(t, "round trip", e.Counts.String(), "map[a:1]")
}

func TestDeferredCapturesTheValueOfRegistration(t *testing.T) {
	each(t, func(t *testing.T, k kind[string, int]) {
		m := k.zero()
		m.Store("a", 1)
		got, ok := 0, false
		func() {
			defer m.Deferred("a").Do(func(value int, present bool) { got, ok = value, present })
			defer m.Deferred("a").Do(nil)
			m.Store("a", 2)
			m.Clear()
		}()
		equal(t, "captured", got, 1)
		equal(t, "captured", ok, true)
	})
}

// All methods at once; the race detector looks on.
func TestEverythingAtOnce(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, int]) {
		m := k.zero()
		var group sync.WaitGroup
		for g := range 6 {
			group.Add(1)
			go func() {
				defer group.Done()
				for i := range 400 {
					key := (i*7 + g) % 50
					switch (i + g) % 14 {
					case 0, 1, 2:
						m.Store(key, i)
					case 3, 4:
						m.Load(key)
					case 5:
						m.LoadOrStore(key, i)
					case 6:
						m.LoadAndDelete(key)
					case 7:
						m.Swap(key, i)
					case 8:
						m.CompareAndSwap(key, i, i+1)
					case 9:
						m.Update(key, func(old int, _ bool) int { return old + 1 })
					case 10:
						for k := range m.All() {
							m.Delete(k)
							break
						}
					case 11:
						k.clone(m)
						_ = m.Len()
					case 12:
						if _, err := json.Marshal(m); err != nil {
							t.Error(err)
						}
					case 13:
						if i%5 == 0 {
							m.Clear()
						}
					}
				}
			}()
		}
		group.Wait()
		equal(t, "Len and Range", m.Len(), len(m.Snapshot()))
	})
}

// While others grow and shrink the map, a key that stays is always found, once in each iteration.
func TestStableKeysDuringResize(t *testing.T) {
	each(t, func(t *testing.T, k kind[int, int]) {
		m := k.zero()
		for i := range 64 {
			m.Store(-i-1, i)
		}
		var stop atomic.Bool
		var group sync.WaitGroup
		group.Add(1)
		go func() {
			defer group.Done()
			for !stop.Load() {
				for i := range 3000 {
					m.Store(i, i)
				}
				for i := range 3000 {
					m.Delete(i)
				}
			}
		}()
		for range 200 {
			seen := map[int]int{}
			for key := range m.Keys() {
				seen[key]++
			}
			for i := range 64 {
				if _, ok := m.Load(-i - 1); !ok || seen[-i-1] != 1 {
					t.Fatalf("key %d: found %v, seen %d times", -i-1, ok, seen[-i-1])
				}
			}
			for key, n := range seen {
				if n > 1 {
					t.Fatalf("key %d came %d times", key, n)
				}
			}
		}
		stop.Store(true)
		group.Wait()
	})
}

func ExampleSharded() {
	var visits safemap.Sharded[string, int]
	var group sync.WaitGroup
	for range 10 {
		group.Add(1)
		go func() {
			defer group.Done()
			visits.Update("/", func(n int, _ bool) int { return n + 1 })
		}()
	}
	group.Wait()
	fmt.Println(visits.Load("/"))
	// Output: 10 true
}

func ExampleRW_Compute() {
	var stock safemap.RW[string, int]
	stock.Store("nails", 1)
	take := func(old int, loaded bool) (int, bool) { return old - 1, old > 1 }
	fmt.Println(stock.Compute("nails", take))
	fmt.Println(stock.Len())
	// Output:
	// 0 false
	// 0
}

func ExampleRW_Deferred() {
	var sessions safemap.RW[string, string]
	sessions.Store("id", "opened")
	func() {
		defer sessions.Deferred("id").Do(func(state string, ok bool) { fmt.Println("was", state, ok) })
		sessions.Delete("id")
	}()
	// Output: was opened true
}

func ExampleSync_All() {
	var m safemap.Sync[string, int]
	m.Store("a", 1)
	for key, value := range m.All() {
		m.Delete(key) // the loop holds no lock
		fmt.Println(key, value, m.Len())
	}
	// Output: a 1 0
}
