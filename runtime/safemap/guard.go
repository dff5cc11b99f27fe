package safemap

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Guard turns a panic of the function that defers it into an error:
//
//	func (c *Cache) Put(key string, value int) (err error) {
//		defer safemap.Guard(&err)
//		c.entries[key] = value // an error instead of a crash if entries is nil
//		return nil
//	}
//
// The error is a [*PanicError]; if *err is already set when the panic arrives, both are joined
// with [errors.Join], so that [errors.Is] and [errors.As] find either. Without a panic Guard does
// nothing, and allocates nothing. It never panics itself; with a nil err it leaves the panic alone,
// because there is nowhere to put it.
//
// Guard works only when it is deferred directly, as recover does. It cannot stop what is not a
// panic: a fatal error such as "concurrent map writes" ends the process.
func Guard(err *error) {
	if err == nil {
		return
	}
	// recover works here because Guard itself is the deferred function.
	value := recover()
	if value == nil {
		return
	}
	caught := caughtPanic(value)
	if *err == nil {
		*err = caught
	} else {
		*err = errors.Join(*err, caught)
	}
}

// Sink receives the panics that [Report] sees. It is called on the panicking goroutine.
type Sink func(*PanicError)

// Report hands a panic of the function that defers it to sink and lets it go on with the same value:
//
//	defer safemap.Report(func(p *safemap.PanicError) { log.Print(p, "\n", string(p.Stack)) })
//
// The stack that Go prints if nobody recovers still shows where the panic began, because the frames
// of the first panic are still there when Report panics again. Without a panic Report does nothing,
// and allocates nothing. A panic of sink is dropped in favour of the one it was told of. With a nil
// sink Report does not touch the panic.
//
// As Guard, it has to be deferred directly.
func Report(sink Sink) {
	if sink == nil {
		return
	}
	value := recover()
	if value == nil {
		return
	}
	sink.receive(caughtPanic(value))
	panic(value)
}

// receive calls the sink and drops a panic of its own.
func (sink Sink) receive(p *PanicError) {
	defer func() { _ = recover() }()
	sink(p)
}

// Operation is the map operation that panicked.
type Operation string

// The operations that can panic. Go's runtime gives no name for others: a nil function or nil
// pointer that came out of a map panics as any other nil pointer does.
const (
	NoMapOperation Operation = ""
	MapRead        Operation = "map read"
	MapWrite       Operation = "map write"
	MapDelete      Operation = "map delete"
)

// PanicError is a panic as an error. Its text names the value, the map operation if it was one, and
// the place. errors.Is and errors.As see through it to Value if that is an error.
type PanicError struct {
	// Value is what was passed to panic, or the runtime.Error of a failed operation. When a deferred
	// call panicked during another panic, Go hands out the later value only; Stack shows both places.
	Value any
	// Operation is the map operation that panicked, or NoMapOperation.
	Operation Operation
	// Function, File and Line say where the panic was raised, the runtime's and this package's own
	// frames left out. They are empty if that is unknown.
	Function string
	File     string
	Line     int
	// Stack is the stack of the panicking goroutine from Guard or Report down to its start, the
	// function that panicked included, in the format of runtime/debug.Stack.
	Stack []byte
}

// caughtPanic describes a panic that was just recovered by Guard or Report.
func caughtPanic(value any) *PanicError {
	// An error that an inner Guard made and somebody panicked with knows the first stack.
	if earlier, ok := value.(*PanicError); ok && earlier != nil {
		return earlier
	}
	p := &PanicError{Value: value, Stack: debug.Stack()}
	p.locate()
	return p
}

// locate finds the operation and the place in the frames of the calling goroutine.
func (p *PanicError) locate() {
	var counters [64]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters[:])])
	raised := false // whether the frames below the last call of panic have been reached
	operation := NoMapOperation
	for {
		frame, more := frames.Next()
		name := frame.Function
		switch {
		case name == "runtime.gopanic" || name == "runtime.sigpanic":
			if raised && name == "runtime.gopanic" && p.Function != "" {
				more = false
				break
			}
			raised = true
		case !raised || name == "":
		case isRuntime(name):
			if operation == NoMapOperation {
				operation = mapOperation(name)
			}
		case isOwn(name, frame.File):
		default:
			p.Function, p.File, p.Line = name, frame.File, frame.Line
			more = false
		}
		if !more {
			break
		}
	}
	if _, ok := p.Value.(runtime.Error); ok {
		p.Operation = operation
	}
}

func isRuntime(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "internal/runtime/") ||
		strings.HasPrefix(function, "internal/sync.") || strings.HasPrefix(function, "sync.(*Map)") ||
		strings.HasPrefix(function, "hash/maphash.") || strings.HasPrefix(function, "reflect.")
}

var packagePath = func() string {
	counter, _, _, _ := runtime.Caller(0)
	name := runtime.FuncForPC(counter).Name()
	slash := strings.LastIndexByte(name, '/') + 1
	return name[:slash+strings.IndexByte(name[slash:], '.')+1]
}()

// isOwn tells the methods of this package from its users, its own tests among them.
func isOwn(function, file string) bool {
	return strings.HasPrefix(function, packagePath) && !strings.HasSuffix(file, "_test.go")
}

// mapOperation recognises the functions that the compiler calls for a map operation, such as
// runtime.mapassign_faststr; Go 1.24 and later implement some of them in internal/runtime/maps.
func mapOperation(function string) Operation {
	name := function[strings.LastIndexByte(function, '.')+1:]
	name = strings.TrimPrefix(name, "runtime_")
	switch {
	case strings.HasPrefix(name, "mapassign"):
		return MapWrite
	case strings.HasPrefix(name, "mapaccess"):
		return MapRead
	case strings.HasPrefix(name, "mapdelete"):
		return MapDelete
	}
	return NoMapOperation
}

// Error describes the panic in one line, as long as the text of Value has no line break.
func (p *PanicError) Error() string {
	var text strings.Builder
	// fmt catches a panic of the value's own Error or String method.
	fmt.Fprintf(&text, "panic: %v", p.Value)
	if p.Operation != NoMapOperation {
		fmt.Fprintf(&text, " (%s)", p.Operation)
	}
	if p.Function != "" {
		fmt.Fprintf(&text, " in %s at %s:%d", p.Function, p.File, p.Line)
	}
	return text.String()
}

// Unwrap returns Value if it is an error, else nil.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
