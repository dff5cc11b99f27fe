package main

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

// mix is how often which operation comes, in percent; what is left are stores.
type mix struct {
	name           string
	loads, deletes int
	// churn: stores and deletes go over twice as many keys as the map has entries, so that about
	// half of them insert or remove one. Otherwise stores replace values of keys that are there.
	churn bool
}

var mixes = []mix{
	{name: "read-100", loads: 100},
	{name: "read-99", loads: 99},
	{name: "read-90", loads: 90},
	{name: "read-50", loads: 50},
	{name: "read-0", loads: 0},
	{name: "churn-90", loads: 90, deletes: 5, churn: true},
	{name: "churn-50", loads: 50, deletes: 25, churn: true},
	{name: "churn-0", loads: 0, deletes: 50, churn: true},
}

// step is an operation in the upper two bits and the index of a key below.
type step uint32

const (
	stepLoad   step = 0
	stepStore  step = 1 << 30
	stepDelete step = 2 << 30
	stepKind   step = 3 << 30
)

// contender is a map under test.
type contender[K comparable] struct {
	name  string
	empty func() worker[K]
}

// worker runs steps on one map; each map has its own loop, so that no interface call stands in
// between. It returns how many loads found their key.
type worker[K comparable] interface {
	work(steps []step, keys []K) (found int)
}

type plan struct {
	sizes, goroutines  []int
	mixes              []mix
	rounds, operations int
}

func measure[K comparable](p plan, keyType string, maps []contender[K], key func(int) K, emit func(any)) {
	for _, size := range p.sizes {
		keys := make([]K, 2*size)
		for i := range keys {
			keys[i] = key(i)
		}
		for _, m := range p.mixes {
			workers := make([]worker[K], len(maps))
			for i, c := range maps {
				workers[i] = c.empty()
				fill(workers[i], size, keys)
			}
			for _, goroutines := range p.goroutines {
				steps := deal(m, size, goroutines, p.operations)
				cpu, wall := make([]float64, len(maps)), make([]float64, len(maps))
				for round := 0; round < p.rounds; round++ {
					for i, w := range workers {
						c, t := once(w, steps, keys)
						if round == 0 || c < cpu[i] {
							cpu[i] = c
						}
						if round == 0 || t < wall[i] {
							wall[i] = t
						}
					}
				}
				total := 0
				for _, s := range steps {
					total += len(s)
				}
				for i, c := range maps {
					emit(result{
						Map: c.name, Mix: m.name, Loads: m.loads, Stores: 100 - m.loads - m.deletes, Deletes: m.deletes,
						Key: keyType, Size: size, Goroutines: goroutines,
						Operations: total, Rounds: p.rounds,
						CPU: round1(cpu[i] / float64(total)), Wall: round1(wall[i] / float64(total)),
					})
				}
			}
		}
	}
}

func round1(ns float64) float64 { return float64(int(ns*100+0.5)) / 100 }

func fill[K comparable](w worker[K], size int, keys []K) {
	steps := make([]step, size)
	for i := range steps {
		steps[i] = stepStore | step(i)
	}
	w.work(steps, keys)
}

// deal draws the steps of each goroutine, the same in every run.
func deal(m mix, size, goroutines, operations int) [][]step {
	space := size
	if m.churn {
		space = 2 * size
	}
	all := make([][]step, goroutines)
	for g := range all {
		random := rand.New(rand.NewPCG(uint64(g), 7))
		steps := make([]step, max(operations/goroutines, 1))
		for i := range steps {
			kind := stepStore
			switch percent := random.IntN(100); {
			case percent < m.loads:
				kind = stepLoad
			case percent < m.loads+m.deletes:
				kind = stepDelete
			}
			steps[i] = kind | step(random.IntN(space))
		}
		all[g] = steps
	}
	return all
}

// once runs all steps and returns processor and wall time in nanoseconds.
func once[K comparable](w worker[K], steps [][]step, keys []K) (cpu, wall float64) {
	runtime.GC()
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for _, s := range steps {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-start
			w.work(s, keys)
		}()
	}
	ready.Wait()
	cpuBefore, before := processorTime(), time.Now()
	close(start)
	done.Wait()
	return float64(processorTime() - cpuBefore), float64(time.Since(before))
}
