package checks

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"goward.dev/runtime/safemap"
)

// The methods whose results the check understands.
type method int

const (
	load method = iota
	store
	loadOrStore
	loadAndDelete
	remove
	swap
	compareAndSwap
	compareAndDelete
	update  // adds 1
	compute // removes an even value, doubles an odd one, makes 1 of none
	methods
)

func (m method) String() string {
	return [...]string{"Load", "Store", "LoadOrStore", "LoadAndDelete", "Delete", "Swap", "CompareAndSwap",
		"CompareAndDelete", "Update", "Compute"}[m]
}

type input struct {
	method     method
	key        int
	value, old int
}

// output is the value and the flag that the method returned; for methods without them, zero.
type output struct {
	value int
	ok    bool
}

// state is the entry of one key.
type state struct {
	value   int
	present bool
}

// apply is what a plain map would do.
func apply(s state, in input) (state, output) {
	had := output{s.value, s.present}
	switch in.method {
	case load:
		return s, had
	case store:
		return state{in.value, true}, output{}
	case loadOrStore:
		if s.present {
			return s, had
		}
		return state{in.value, true}, output{in.value, false}
	case loadAndDelete:
		return state{}, had
	case remove:
		return state{}, output{}
	case swap:
		return state{in.value, true}, had
	case compareAndSwap:
		if s.present && s.value == in.old {
			return state{in.value, true}, output{ok: true}
		}
		return s, output{}
	case compareAndDelete:
		if s.present && s.value == in.old {
			return state{}, output{ok: true}
		}
		return s, output{}
	case update:
		return state{s.value + 1, true}, output{s.value + 1, true}
	case compute:
		value, keep := computed(s.value, s.present)
		if !keep {
			return state{}, output{}
		}
		return state{value, true}, output{value, true}
	}
	panic("unknown method")
}

func computed(old int, loaded bool) (value int, keep bool) {
	switch {
	case !loaded:
		return 1, true
	case old%2 == 0:
		return 0, false
	default:
		return 2 * old, true
	}
}

var model = porcupine.Model{
	// The keys of a map do not depend on each other: the history of each is checked alone.
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[int][]porcupine.Operation{}
		for _, operation := range history {
			key := operation.Input.(input).key
			byKey[key] = append(byKey[key], operation)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return state{} },
	Step: func(s, in, out any) (bool, any) {
		next, want := apply(s.(state), in.(input))
		return out.(output) == want, next
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
}

type target interface {
	Load(int) (int, bool)
	Store(int, int)
	LoadOrStore(int, int) (int, bool)
	LoadAndDelete(int) (int, bool)
	Delete(int)
	Swap(int, int) (int, bool)
	CompareAndSwap(int, int, int) bool
	CompareAndDelete(int, int) bool
	Update(int, func(int, bool) int) int
	Compute(int, func(int, bool) (int, bool)) (int, bool)
}

func perform(m target, in input) (out output) {
	switch in.method {
	case load:
		out.value, out.ok = m.Load(in.key)
	case store:
		m.Store(in.key, in.value)
	case loadOrStore:
		out.value, out.ok = m.LoadOrStore(in.key, in.value)
	case loadAndDelete:
		out.value, out.ok = m.LoadAndDelete(in.key)
	case remove:
		m.Delete(in.key)
	case swap:
		out.value, out.ok = m.Swap(in.key, in.value)
	case compareAndSwap:
		out.ok = m.CompareAndSwap(in.key, in.old, in.value)
	case compareAndDelete:
		out.ok = m.CompareAndDelete(in.key, in.old)
	case update:
		out = output{m.Update(in.key, func(old int, _ bool) int { yield(); return old + 1 }), true}
	case compute:
		out.value, out.ok = m.Compute(in.key, func(old int, loaded bool) (int, bool) {
			yield()
			return computed(old, loaded)
		})
	}
	return out
}

func yield() { runtime.Gosched() }

// record runs random operations on few keys from several goroutines and notes when each began and
// ended, by one counter.
func record(m target, seed uint64) []porcupine.Operation {
	const goroutines, operations, keys = 4, 60, 3
	var clock atomic.Int64
	histories := make([][]porcupine.Operation, goroutines)
	var group sync.WaitGroup
	for g := range goroutines {
		group.Add(1)
		go func() {
			defer group.Done()
			random := rand.New(rand.NewPCG(seed, uint64(g)))
			for range operations {
				in := input{method(random.IntN(int(methods))), random.IntN(keys), random.IntN(4), random.IntN(4)}
				call := clock.Add(1)
				if random.IntN(4) == 0 {
					yield()
				}
				out := perform(m, in)
				histories[g] = append(histories[g], porcupine.Operation{
					ClientId: g, Input: in, Call: call, Output: out, Return: clock.Add(1),
				})
			}
		}()
	}
	group.Wait()
	var all []porcupine.Operation
	for _, h := range histories {
		all = append(all, h...)
	}
	return all
}

func check(t *testing.T, make func() target, runs int) {
	t.Helper()
	operations, overlapping := 0, 0
	for seed := range runs {
		history := record(make(), uint64(seed))
		operations += len(history)
		for _, a := range history {
			for _, b := range history {
				if a.ClientId < b.ClientId && a.Call < b.Return && b.Call < a.Return {
					overlapping++
				}
			}
		}
		switch porcupine.CheckOperationsTimeout(model, history, 30*time.Second) {
		case porcupine.Illegal:
			t.Fatalf("seed %d: not linearizable:\n%+v", seed, history)
		case porcupine.Unknown:
			t.Fatalf("seed %d: the check took too long", seed)
		}
	}
	t.Logf("%d operations, %d pairs of them at the same time", operations, overlapping)
	if overlapping == 0 {
		t.Error("no two operations ran at the same time: nothing was checked")
	}
}

const runs = 300

func TestRW(t *testing.T) { check(t, func() target { return new(safemap.RW[int, int]) }, runs) }

func TestSync(t *testing.T) { check(t, func() target { return new(safemap.Sync[int, int]) }, runs) }

func TestSharded(t *testing.T) {
	check(t, func() target { return new(safemap.Sharded[int, int]) }, runs)
}

// broken forgets to compare and swap in one step.
type broken struct{ safemap.RW[int, int] }

func (m *broken) Update(key int, f func(int, bool) int) int {
	old, loaded := m.Load(key)
	value := f(old, loaded)
	m.Store(key, value)
	return value
}

// The check itself must find a map that is not linearizable.
func TestTheCheckFindsABrokenMap(t *testing.T) {
	for seed := range 500 {
		if porcupine.CheckOperationsTimeout(model, record(new(broken), uint64(seed)), 30*time.Second) == porcupine.Illegal {
			return
		}
	}
	t.Error("a map that loses updates passed as linearizable")
}
