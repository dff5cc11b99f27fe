// Package t holds tests that die in the ways in which tests do. The marks are those of ../chains.
package t

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// wants TestPanic: assignment to entry in nil map recovered @nilmap again @1974
func TestPanic(t *testing.T) {
	var m map[string]int
	m["a"] = 1 // :nilmap
}

// wants TestCleanup: in test @test; in cleanup recovered @cleanup in @2030 again @1974
func TestCleanup(t *testing.T) {
	t.Cleanup(func() { panic("in cleanup") }) // :cleanup
	panic("in test")                          // :test
}

// wants TestSub: sub failed recovered @sub again @1974
func TestSub(t *testing.T) {
	t.Run("sub", func(t *testing.T) { panic(errors.New("sub failed")) }) // :sub
}

// wants TestTimeout: test timed out after 2s\nrunning tests:\n\tTestTimeout (2s) @2802
func TestTimeout(t *testing.T) { time.Sleep(time.Minute) }

// wants TestGoroutine: in goroutine of test @goroutine
func TestGoroutine(t *testing.T) {
	go func() { panic("in goroutine of test") }() // :goroutine
	time.Sleep(time.Second)
}

// wants TestBubble: deadlock: all goroutines in bubble are blocked recovered @290 again @1974
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := make(chan int)
		go func() { c <- 1 }()
		<-make(chan int)
	})
}

// wants TestBubblePanic: bubble @bubble; second recovered @second in @second again @1974
func TestBubblePanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer func() { panic("second") }() // :second
		panic("bubble")                    // :bubble
	})
}

// wants FuzzX: fuzzed recovered @fuzzed again @1974
func FuzzX(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, n int) { panic("fuzzed") }) // :fuzzed
}

// wants BenchmarkB: bench @bench
func BenchmarkB(b *testing.B) { panic("bench") } // :bench
