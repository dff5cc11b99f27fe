package safemap_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"goward.dev/runtime/safemap"
)

// guarded runs f under Guard, with *err already set to before.
func guarded(before error, f func()) (err error) {
	defer safemap.Guard(&err)
	err = before
	f()
	return err
}

func caught(t *testing.T, err error) *safemap.PanicError {
	t.Helper()
	var p *safemap.PanicError
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a PanicError", err)
	}
	return p
}

// noMap is nil; a variable of the package, so that vet tools do not know.
var noMap map[int]int

type key struct{ part any }

func TestGuardNamesTheMapOperation(t *testing.T) {
	var nilMap map[string]int
	var nilInts map[int]int
	var nilAny map[any]int
	var nilBig map[[200]byte]int
	empty, full := map[any]int{}, map[any]int{1: 1}
	structs := map[key]int{{1}: 1}
	slice := []int{1}
	sink := 0
	for _, test := range []struct {
		name string
		run  func()
		want safemap.Operation
	}{
		{"write nil, string key", func() { nilMap["a"] = 1 }, safemap.MapWrite},
		{"write nil, int key", func() { nilInts[1]++ }, safemap.MapWrite},
		{"write nil, large key", func() { nilBig[[200]byte{}] = 1 }, safemap.MapWrite},
		{"write unhashable", func() { empty[slice] = 1 }, safemap.MapWrite},
		{"write unhashable in a struct", func() { structs[key{slice}] = 1 }, safemap.MapWrite},
		{"read unhashable, nil map", func() { sink += nilAny[slice] }, safemap.MapRead},
		{"read unhashable, empty map", func() { sink += empty[slice] }, safemap.MapRead},
		{"read unhashable, full map", func() { sink += full[slice] }, safemap.MapRead},
		{"comma-ok read unhashable", func() { _, ok := full[slice]; _ = ok }, safemap.MapRead},
		{"delete unhashable, nil map", func() { delete(nilAny, any(slice)) }, safemap.MapDelete},
		{"delete unhashable, full map", func() { delete(full, any(slice)) }, safemap.MapDelete},
		{"nil pointer to a map", func() { var p *map[string]int; (*p)["a"] = 1 }, safemap.NoMapOperation},
		{"index out of range", func() { sink += slice[len(slice)+sink*0] }, safemap.NoMapOperation},
		{"an error of the same text", func() { panic(errors.New("assignment to entry in nil map")) }, safemap.NoMapOperation},
		{"panic in a callee of no map", func() { panic("x") }, safemap.NoMapOperation},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := caught(t, guarded(nil, test.run))
			if p.Operation != test.want {
				t.Errorf("operation %q, want %q\n%s", p.Operation, test.want, p.Stack)
			}
			if test.want != safemap.NoMapOperation && !strings.Contains(p.Error(), string(test.want)) {
				t.Errorf("the text %q does not name %q", p.Error(), test.want)
			}
			if !strings.Contains(p.Function, "TestGuardNamesTheMapOperation") || !strings.HasSuffix(p.File, "guard_test.go") || p.Line == 0 {
				t.Errorf("place is %s at %s:%d", p.Function, p.File, p.Line)
			}
			if !strings.Contains(string(p.Stack), "TestGuardNamesTheMapOperation") {
				t.Errorf("the stack lacks the function that panicked:\n%s", p.Stack)
			}
		})
	}
	_ = sink
}

func TestGuardNamesTheOperationInsideTheSafeMaps(t *testing.T) {
	var rw safemap.RW[any, int]
	p := caught(t, guarded(nil, func() { rw.Store([]int{1}, 1) }))
	if p.Operation != safemap.MapWrite || !strings.Contains(p.Function, "TestGuardNames") {
		t.Errorf("got %q in %s", p.Operation, p.Function)
	}
	rw.Store(1, 1) // hangs if the lock was kept
	p = caught(t, guarded(nil, func() { rw.Load([]int{1}) }))
	if p.Operation != safemap.MapRead {
		t.Errorf("got %q", p.Operation)
	}
	rw.Store(1, 1)
}

func TestGuardKeepsTheChain(t *testing.T) {
	err := guarded(nil, func() { panic(fmt.Errorf("reading: %w", io.ErrUnexpectedEOF)) })
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("errors.Is does not see through %v", err)
	}
	err = guarded(nil, func() { noMap[1] = 1 })
	var runtimeError runtime.Error
	if !errors.As(err, &runtimeError) || runtimeError.Error() != "assignment to entry in nil map" {
		t.Errorf("errors.As finds %v in %v", runtimeError, err)
	}
	err = guarded(nil, func() { _, e := os.Open("/no/such/file"); panic(e) })
	var pathError *os.PathError
	if !errors.As(err, &pathError) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("errors.As does not see through %v", err)
	}
	if p := caught(t, guarded(nil, func() { panic("text") })); p.Value != "text" || p.Unwrap() != nil {
		t.Errorf("value %v, unwraps to %v", p.Value, p.Unwrap())
	}
}

func TestGuardJoinsAnEarlierError(t *testing.T) {
	err := guarded(io.EOF, func() { noMap[1] = 1 })
	if !errors.Is(err, io.EOF) {
		t.Errorf("the earlier error is gone: %v", err)
	}
	if p := caught(t, err); p.Operation != safemap.MapWrite {
		t.Errorf("operation %q", p.Operation)
	}
	// An error returned before a deferred call panics is joined as well.
	err = func() (err error) {
		defer safemap.Guard(&err)
		defer func() { panic("closing failed") }()
		return io.ErrShortWrite
	}()
	if !errors.Is(err, io.ErrShortWrite) || caught(t, err).Value != "closing failed" {
		t.Errorf("got %v", err)
	}
}

func TestGuardWithoutPanic(t *testing.T) {
	if err := guarded(nil, func() {}); err != nil {
		t.Errorf("got %v", err)
	}
	if err := guarded(io.EOF, func() {}); err != io.EOF {
		t.Errorf("got %v, want the very io.EOF", err)
	}
}

func TestGuardKeepsTheFirstStackOfARepeatedPanic(t *testing.T) {
	inner := guarded(nil, func() { noMap[1] = 1 })
	outer := guarded(nil, func() { panic(inner) })
	if caught(t, outer) != caught(t, inner) {
		t.Errorf("the first PanicError is lost: %v", outer)
	}
}

func TestGuardOfAPanicDuringAPanic(t *testing.T) {
	err := guarded(nil, func() {
		defer func() { noMap[2] = 1 }()
		originalBug()
	})
	p := caught(t, err)
	if p.Operation != safemap.MapWrite {
		t.Errorf("operation %q", p.Operation)
	}
	if !strings.Contains(string(p.Stack), "originalBug") {
		t.Errorf("the place of the original panic is lost:\n%s", p.Stack)
	}
}

//go:noinline
func originalBug() { panic("original bug") }

type bomb struct{}

func (bomb) Error() string { panic("Error panics too") }

func TestGuardNeverPanics(t *testing.T) {
	for name, value := range map[string]any{
		"error that panics": bomb{}, "slice": []int{1}, "nil error": (*os.PathError)(nil),
		"nil PanicError": (*safemap.PanicError)(nil), "func": func() {},
	} {
		err := guarded(io.EOF, func() { panic(value) })
		if err == nil || err == io.EOF {
			t.Errorf("%s: the panic is lost", name)
		}
		_ = caught(t, err).Error()
	}
	if p := caught(t, guarded(nil, func() { panic(nil) })); fmt.Sprintf("%T", p.Value) != "*runtime.PanicNilError" {
		t.Errorf("panic(nil) became %T", p.Value)
	}
}

func TestGuardOfNilLeavesThePanic(t *testing.T) {
	defer func() {
		if r := recover(); r != "kept" {
			t.Errorf("recovered %v", r)
		}
	}()
	func() {
		defer safemap.Guard(nil)
		panic("kept")
	}()
}

func TestGuardDoesNotTouchGoexit(t *testing.T) {
	var err error
	done := make(chan bool)
	go func() {
		defer close(done)
		defer safemap.Guard(&err)
		runtime.Goexit()
	}()
	<-done
	if err != nil {
		t.Errorf("got %v", err)
	}
}

func goodPath(n int) (err error) {
	defer safemap.Guard(&err)
	defer safemap.Report(func(p *safemap.PanicError) { _ = p })
	if n < 0 {
		return io.EOF
	}
	return nil
}

func TestNoAllocationWithoutPanic(t *testing.T) {
	if n := testing.AllocsPerRun(1000, func() {
		if goodPath(1) != nil {
			t.Fail()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReportRecordsAndPanicsAgain(t *testing.T) {
	for name, value := range map[string]any{"string": "bug", "error": io.EOF, "pointer": new(int)} {
		var seen []*safemap.PanicError
		func() {
			defer func() {
				if r := recover(); r != value {
					t.Errorf("%s: recovered %v", name, r)
				}
			}()
			defer safemap.Report(func(p *safemap.PanicError) { seen = append(seen, p) })
			panic(value)
		}()
		if len(seen) != 1 || seen[0].Value != value || len(seen[0].Stack) == 0 {
			t.Errorf("%s: the sink saw %v", name, seen)
		}
	}
}

func TestReportSurvivesItsSink(t *testing.T) {
	defer func() {
		if r := recover(); r != "first" {
			t.Errorf("recovered %v", r)
		}
	}()
	defer safemap.Report(func(*safemap.PanicError) { panic("the sink is broken") })
	panic("first")
}

func TestReportThenGuardKeepsThePlace(t *testing.T) {
	err := guarded(nil, func() {
		defer safemap.Report(func(*safemap.PanicError) {})
		originalBug()
	})
	if p := caught(t, err); !strings.HasSuffix(p.Function, "originalBug") {
		t.Errorf("place %s\n%s", p.Function, p.Stack)
	}
}

// The stack that Go itself prints when nobody recovers has to name the function that panicked first.
func TestReportKeepsThePrintedStack(t *testing.T) {
	if os.Getenv("SAFEMAP_CRASH") == "1" {
		defer safemap.Report(func(*safemap.PanicError) {})
		originalBug()
	}
	command := exec.Command(os.Args[0], "-test.run=^TestReportKeepsThePrintedStack$")
	command.Env = append(os.Environ(), "SAFEMAP_CRASH=1")
	output, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "originalBug") || !strings.Contains(string(output), "panic: original bug") {
		t.Errorf("%v\n%s", err, output)
	}
}

func ExampleGuard() {
	put := func(entries map[string]int, key string) (err error) {
		defer safemap.Guard(&err)
		entries[key] = 1
		return nil
	}
	var p *safemap.PanicError
	if errors.As(put(nil, "a"), &p) {
		fmt.Println(p.Value)
		fmt.Println(p.Operation)
	}
	// Output:
	// assignment to entry in nil map
	// map write
}

func ExampleReport() {
	defer func() { fmt.Println("recovered:", recover()) }()
	defer safemap.Report(func(p *safemap.PanicError) { fmt.Println("reported:", p.Value) })
	panic("disk full")
	// Output:
	// reported: disk full
	// recovered: disk full
}
