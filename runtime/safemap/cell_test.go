package safemap

import (
	"sync"
	"testing"
)

type named int

// Every form in which values are kept, written by some goroutines while others read: what is read is
// what somebody wrote, whole. The race detector and the pointer checks of -race look on.
func TestValuesOfEveryForm(t *testing.T) {
	one, two := new(int), new(int)
	exercise(t, "int", number, 1, 2, func(a, b int) bool { return a == b })
	exercise(t, "named int", number, named(1), named(2), func(a, b named) bool { return a == b })
	exercise(t, "uint64", number, uint64(1), 1<<63, func(a, b uint64) bool { return a == b })
	exercise(t, "float64", number, 0.5, -2, func(a, b float64) bool { return a == b })
	exercise(t, "pointer", reference, one, two, func(a, b *int) bool { return a == b })
	exercise(t, "map", reference, map[string]int{"a": 1}, map[string]int{"a": 1, "b": 2},
		func(a, b map[string]int) bool { return len(a) == len(b) })
	exercise(t, "channel", reference, make(chan int, 1), make(chan int, 2),
		func(a, b chan int) bool { return a == b })
	exercise(t, "function", reference, func() int { return 1 }, func() int { return 2 },
		func(a, b func() int) bool { return a() == b() })
	exercise(t, "bool", pointed, false, true, func(a, b bool) bool { return a == b })
	exercise(t, "string", pointed, "", "two", func(a, b string) bool { return a == b })
	exercise(t, "bytes", pointed, [8]byte{1}, [8]byte{7: 2}, func(a, b [8]byte) bool { return a == b })
	exercise(t, "struct", pointed, struct{ p *int }{one}, struct{ p *int }{two},
		func(a, b struct{ p *int }) bool { return a == b })
	exercise(t, "interface", pointed, any(1), any("two"), func(a, b any) bool { return a == b })
	exercise(t, "nothing", pointed, struct{}{}, struct{}{}, func(a, b struct{}) bool { return true })
}

func exercise[V any](t *testing.T, name string, want form, one, two V, equal func(a, b V) bool) {
	t.Run(name, func(t *testing.T) {
		if got := formOf[V](); word == 8 && got != want {
			t.Errorf("form %d, want %d", got, want)
		}
		var m Sharded[int, V]
		var group sync.WaitGroup
		const keys = 20
		for writer := range 2 {
			group.Add(1)
			go func() {
				defer group.Done()
				for i := range 2000 {
					value := one
					if (i+writer)%2 == 0 {
						value = two
					}
					switch key := i % keys; i % 7 {
					case 0:
						m.Delete(key)
					case 1:
						m.Swap(key, value)
					case 2:
						m.Compute(key, func(old V, loaded bool) (V, bool) {
							if loaded && !equal(old, one) && !equal(old, two) {
								t.Error("Compute was given what nobody wrote")
							}
							return value, true
						})
					default:
						m.Store(key, value)
					}
				}
			}()
		}
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range 4000 {
				if value, ok := m.Load(i % keys); ok && !equal(value, one) && !equal(value, two) {
					t.Error("Load returned what nobody wrote")
				}
			}
			for _, value := range m.All() {
				if !equal(value, one) && !equal(value, two) {
					t.Error("All returned what nobody wrote")
				}
			}
		}()
		group.Wait()
		m.Store(1, one)
		if value, loaded := m.Swap(1, two); !loaded || !equal(value, one) {
			t.Error("Swap did not return what Store stored")
		}
		if value, ok := m.Clone().LoadAndDelete(1); !ok || !equal(value, two) {
			t.Error("the clone does not have what Swap stored")
		}
	})
}

// A value that fits into a word is changed without an allocation.
func TestStoreOfWordsDoesNotAllocate(t *testing.T) {
	var numbers Sharded[int, int]
	var pointers Sharded[int, *int]
	var texts Sharded[int, string]
	numbers.Store(1, 0)
	pointers.Store(1, nil)
	texts.Store(1, "")
	target := new(int)
	for _, c := range []struct {
		name  string
		store func()
		want  float64
	}{
		{"number", func() { numbers.Store(1, 1000) }, 0},
		{"pointer", func() { pointers.Store(1, target) }, 0},
		{"text", func() { texts.Store(1, "text") }, 1},
	} {
		if got := testing.AllocsPerRun(100, c.store); got != c.want {
			t.Errorf("%s: %v allocations, want %v", c.name, got, c.want)
		}
	}
}
