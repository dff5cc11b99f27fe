// Command chains crashes in the way its first argument names. A mark `// :name` at the end of a
// line names the line; the comment `wants` above a case says in those names what is true of its
// dump: TEXT @line-that-raised-it (in @line-of-the-deferred-call), oldest panic first. A question
// mark stands for what the dump cannot tell.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

var errDisk = errors.New("disk full")

// A store whose methods panic, deferred in every form that Go has.
type store struct {
	rows  map[string]int
	inner *store
	mu    sync.Mutex
}

func (s *store) Close()                      { s.inner.rows["closed"] = 1 }          // :deferredmethod2
func (s *store) Flush(err error)             { panic(fmt.Errorf("flush: %w", err)) } // :deferredargument2
func (s store) Value()                       { panic("value receiver") }             // :deferredvalue2
func (s *store) Write(p []byte) (int, error) { panic(string(p)) }                    // :deferredinterface2

type pair[K comparable, V any] struct{ m map[K]V }

//go:noinline
func (p *pair[K, V]) Set(k K, v V) { p.m[k] = v } // :deferredgeneric2

//go:noinline
func generic[T any](v T) { panic(fmt.Sprint(v)) } // :deferredgenericfunc2

type code int
type reason string
type point struct{ x, y int }
type textual struct{ text string }

func (t textual) String() string { return t.text }

type failure struct{ cause error }

func (f *failure) Error() string { return "failure: " + f.cause.Error() } // :nilerror2
func (f *failure) Unwrap() error { return f.cause }

//go:noinline
func level(n int, at int) {
	if n == at {
		panic(fmt.Sprintf("at depth %d", at)) // :deep
	}
	level(n+1, at)
}

//go:noinline
func levelDeferred(n int) {
	defer func() {
		if n == 3 {
			panic("unwinding at 3") // :unwinding2
		}
	}()
	if n == 0 {
		panic("innermost") // :unwinding
	}
	levelDeferred(n - 1)
}

//go:noinline
func endless(n int) int { return endless(n+1) + n } // :overflowdefer2

func each(yield func(int) bool) {
	for i := range 3 {
		if !yield(i) {
			return
		}
	}
}

func rude(yield func(int) bool) {
	yield(1)
	yield(2)
}

func inlined(v []int, i int) int { return v[i] } // :inlined
func outer(v []int, i int) int   { return inlined(v, i) + 1 }

func try(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("try: %v", r)
		}
	}()
	f()
	return nil
}

var cases = map[string]func(){
	// wants wrapw: disk full recovered @wrapw; save: disk full @wrapw2 in @wrapw2
	"wrapw": func() {
		defer func() {
			if err, ok := recover().(error); ok {
				panic(fmt.Errorf("save: %w", err)) // :wrapw2
			}
		}()
		panic(errDisk) // :wrapw
	},
	// wants threerecovered: a recovered @threerecovered; b: a recovered @threerecovered2 in @threerecovered2; c: b: a @threerecovered3 in @threerecovered3
	"threerecovered": func() {
		defer func() {
			panic(fmt.Sprint("c: ", recover())) // :threerecovered3
		}()
		defer func() {
			panic(fmt.Sprint("b: ", recover())) // :threerecovered2
		}()
		panic("a") // :threerecovered
	},
	// wants deferredmethod: read @deferredmethod; assignment to entry in nil map @deferredmethod2 in @deferredmethod2
	"deferredmethod": func() {
		s := &store{inner: &store{}}
		defer s.Close()
		panic("read") // :deferredmethod
	},
	// wants deferredargument: EOF @deferredargument; flush: EOF @deferredargument2 in @deferredargument2
	"deferredargument": func() {
		s := &store{}
		defer s.Flush(io.EOF)
		panic(io.EOF) // :deferredargument
	},
	// wants deferredvalue: first @deferredvalue; value receiver @deferredvalue2 in @deferredvalue2
	"deferredvalue": func() {
		defer store{}.Value()
		panic("first") // :deferredvalue
	},
	// wants deferredinterface: first @deferredinterface; written @deferredinterface2 in @deferredinterface2
	"deferredinterface": func() {
		var w io.Writer = &store{}
		defer w.Write([]byte("written"))
		panic("first") // :deferredinterface
	},
	// wants deferredbound: first @deferredbound; assignment to entry in nil map @deferredmethod2 in @deferredmethod2
	"deferredbound": func() {
		f := (&store{inner: &store{}}).Close
		defer f()
		panic("first") // :deferredbound
	},
	// wants deferredgeneric: first @deferredgeneric; assignment to entry in nil map @deferredgeneric2 in @deferredgeneric2
	"deferredgeneric": func() {
		p := &pair[string, int]{}
		defer p.Set("a", 1)
		panic("first") // :deferredgeneric
	},
	// wants deferredgenericfunc: first @deferredgenericfunc; 7 @deferredgenericfunc2 in @deferredgenericfunc2
	"deferredgenericfunc": func() {
		defer generic(7)
		panic("first") // :deferredgenericfunc
	},
	// wants deferrednilfunc: first @deferrednilfunc; runtime error: invalid memory address or nil pointer dereference @?
	"deferrednilfunc": func() {
		var f func()
		defer f()
		panic("first") // :deferrednilfunc
	},
	// wants deferredunlock: first @deferredunlock; FATAL sync: unlock of unlocked mutex @65 | first @deferredunlock; FATAL sync: unlock of unlocked mutex @deferredunlock2
	"deferredunlock": func() {
		var mu sync.Mutex
		defer mu.Unlock() // :deferredunlock2
		panic("first")    // :deferredunlock
	},
	// wants deferredclose: first @deferredclose; close of closed channel @? | first @deferredclose; close of closed channel @deferredclose2 in @deferredclose2
	"deferredclose": func() {
		c := make(chan int)
		close(c)
		defer close(c) // :deferredclose2
		panic("first") // :deferredclose
	},
	// wants deferredpanic: first @deferredpanic; second @deferredpanic2 in @deferredpanic2
	"deferredpanic": func() {
		defer panic("second") // :deferredpanic2
		panic("first")        // :deferredpanic
	},
	// wants deferredthree: first @deferredthree; runtime error: invalid memory address or nil pointer dereference @?; third @deferredthree2 in @deferredthree2
	"deferredthree": func() {
		var f func()
		defer func() { panic("third") }() // :deferredthree2
		defer f()
		panic("first") // :deferredthree
	},
	// wants nilfunclast: first @nilfunclast; second @nilfunclast2 in @nilfunclast2; runtime error: invalid memory address or nil pointer dereference @?
	"nilfunclast": func() {
		var f func()
		defer f()
		defer func() { panic("second") }() // :nilfunclast2
		panic("first")                     // :nilfunclast
	},
	// wants nilfuncgoexit: runtime error: invalid memory address or nil pointer dereference @nilfuncgoexit
	"nilfuncgoexit": func() {
		var f func()
		defer f()
		runtime.Goexit() // :nilfuncgoexit
	},
	// wants hangs: SIGNAL SIGQUIT: quit
	"hangs": func() {
		var mu sync.Mutex
		defer func() { recover() }()
		go func() { time.Sleep(50 * time.Millisecond); syscall.Kill(os.Getpid(), syscall.SIGQUIT) }()
		mu.Lock()
		defer func() { mu.Lock() }()
		panic("nobody sees me")
	},
	// wants nilfunconly: runtime error: invalid memory address or nil pointer dereference @nilfunconly
	"nilfunconly": func() {
		var f func()
		defer f()
	}, // :nilfunconly
	// wants goexitaborts: first @goexitaborts; second @goexitaborts2 in @goexitaborts2
	"goexitaborts": func() {
		defer func() { panic("second") }() // :goexitaborts2
		defer runtime.Goexit()
		func() {
			panic("first") // :goexitaborts
		}()
	},
	// wants swallowedbefore: later @swallowedbefore
	"swallowedbefore": func() {
		_ = try(func() { panic("earlier") })
		panic("later") // :swallowedbefore
	},
	// wants swallowedinside: first @swallowedinside; third @swallowedinside2 in @swallowedinside2
	"swallowedinside": func() {
		defer func() {
			_ = try(func() { panic("second") })
			panic("third") // :swallowedinside2
		}()
		panic("first") // :swallowedinside
	},
	// wants tree: a @tree; b @tree2 in @tree2; c @tree3 in @tree3; d @tree4 in @tree4
	"tree": func() {
		defer func() {
			panic("d") // :tree4
		}()
		defer func() {
			defer func() {
				panic("c") // :tree3
			}()
			panic("b") // :tree2
		}()
		panic("a") // :tree
	},
	// wants godeferred: in goroutine @godeferred
	"godeferred": func() {
		defer func() {
			go func() {
				panic("in goroutine") // :godeferred
			}()
			time.Sleep(time.Hour)
		}()
		panic("waits for ever")
	},
	// wants unwinding: innermost @unwinding; unwinding at 3 @unwinding2 in @unwinding2
	"unwinding": func() { levelDeferred(5) },
	// wants deep: at depth 150 @deep
	"deep": func() { level(0, 150) },
	// wants deepchain: oldest @deepchain; at depth 150 @deep in @deepchain2; at top @deepchain3 in @deepchain3
	"deepchain": func() {
		defer func() {
			defer func() { panic("at top") }() // :deepchain3
			level(0, 150)                      // :deepchain2
		}()
		panic("oldest") // :deepchain
	},
	// wants inlined: runtime error: index out of range [5] with length 2 @inlined
	"inlined": func() { _ = outer([]int{1, 2}, len(os.Args)+3) },
	// wants int: 42 @int
	"int": func() { panic(42) }, // :int
	// wants code: main.code(3) @code
	"code": func() { panic(code(3)) }, // :code
	// wants reason: main.reason("why") @reason
	"reason": func() { panic(reason("why")) }, // :reason
	// wants reasonlines: main.reason("a\nb") @reasonlines
	"reasonlines": func() { panic(reason("a\nb")) }, // :reasonlines
	// wants point: (main.point) 0x4e5d78 @point
	"point": func() { panic(point{1, 2}) }, // :point
	// wants float: 1.5 @float
	"float": func() { panic(1.5) }, // :float
	// wants complex: (1+2i) @complex
	"complex": func() { panic(complex(1, 2)) }, // :complex
	// wants bool: true @bool
	"bool": func() { panic(true) }, // :bool
	// wants stringer: text of a Stringer @stringer
	"stringer": func() { panic(textual{"text of a Stringer"}) }, // :stringer
	// wants nilerror: ? @nilerror; ? @nilerror2; FATAL panic while printing panic value: type runtime.errorString @nilerror2
	"nilerror": func() { panic((*failure)(nil)) }, // :nilerror
	// wants joined: disk full\nEOF @joined
	"joined": func() { panic(errors.Join(errDisk, io.EOF)) }, // :joined
	// wants canceled: context canceled @canceled
	"canceled": func() { panic(context.Canceled) }, // :canceled
	// wants binary: a\x00b��\x1b[2J @binary
	"binary": func() { panic("a\x00b\xff\xfe\x1b[2J") }, // :binary
	// wants crlf: one\ntwo\rthree @crlf
	"crlf": func() { panic("one\r\ntwo\rthree") }, // :crlf
	// wants empty:  @empty
	"empty": func() { panic("") }, // :empty
	// wants newline: \n @newline
	"newline": func() { panic("\n") }, // :newline
	// wants tabs: \tpanic: x\n\tpanic: y [recovered]\n\t\tpanic: z @tabs
	"tabs": func() { panic("\tpanic: x\n\tpanic: y [recovered]\n\t\tpanic: z") }, // :tabs
	// The lines of the second value cannot be told from panics, so that only its end is known.
	// wants fakechain2: a\n\tpanic: not one @fakechain2; d [recovered]\n\ngoroutine 9 [running]:\nmain.x()\n\t/x.go:1 +0x1 @fakechain22 in @fakechain22
	"fakechain2": func() {
		defer func() {
			panic("b\n\tpanic: c\npanic: d [recovered]\n\ngoroutine 9 [running]:\nmain.x()\n\t/x.go:1 +0x1") // :fakechain22
		}()
		panic("a\n\tpanic: not one") // :fakechain2
	},
	// wants fakefatal: x\nfatal error: concurrent map writes\n\ngoroutine 1 [running]:\nmain.evil()\n\t/x.go:1 +0x1 @fakefatal
	"fakefatal": func() {
		panic("x\nfatal error: concurrent map writes\n\ngoroutine 1 [running]:\nmain.evil()\n\t/x.go:1 +0x1") // :fakefatal
	},
	// wants fakegoexit: x [recovered]\n\tpanic: y\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:7\nexit status 2 @fakegoexit
	"fakegoexit": func() {
		panic("x [recovered]\n\tpanic: y\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:7\nexit status 2") // :fakegoexit
	},
	// wants fakerecovered: x [recovered] recovered @fakerecovered; again: x [recovered] [recovered] @fakerecovered2 in @fakerecovered2
	"fakerecovered": func() {
		defer func() {
			r := recover()
			panic(fmt.Sprint("again: ", r, " [recovered]")) // :fakerecovered2
		}()
		panic("x [recovered]") // :fakerecovered
	},
	// wants fakefold2: x [recovered, repanicked] recovered @fakefold2 again @fakefold22
	"fakefold2": func() {
		defer func() { panic(recover()) }() // :fakefold22
		panic("x [recovered, repanicked]")  // :fakefold2
	},
	// Go's own texts.
	// wants divide: runtime error: integer divide by zero @divide
	"divide": func() { n := len(os.Args) - 2; _ = 1 / n }, // :divide
	// wants slice: runtime error: slice bounds out of range [2:0:] @slice
	"slice": func() { s := []int{1}; _ = s[len(os.Args):0:1] }, // :slice
	// wants makeneg: runtime error: makeslice: len out of range @makeneg
	"makeneg": func() { n := -len(os.Args); _ = make([]int, n) }, // :makeneg
	// wants convert: runtime error: cannot convert slice with length 1 to array or pointer to array with length 4 @convert
	"convert": func() { s := make([]int, 1); _ = [4]int(s) }, // :convert
	// wants assert: interface conversion: main.point is not error: missing method Error @assert
	"assert": func() { var v any = point{}; _ = v.(error) }, // :assert
	// wants nilassert: interface conversion: interface {} is nil, not string @nilassert
	"nilassert": func() { var v any; _ = v.(string) }, // :nilassert
	// wants unhashable: runtime error: hash of unhashable type []int @unhashable
	"unhashable": func() { m := map[any]int{}; m[[]int{1}] = 1 }, // :unhashable
	// wants uncomparable: runtime error: comparing uncomparable type []int @uncomparable
	"uncomparable": func() { var a, b any = []int{}, []int{}; _ = a == b }, // :uncomparable
	// wants closenil: close of nil channel @closenil
	"closenil": func() { var c chan int; close(c) }, // :closenil
	// wants sendclosed: send on closed channel @sendclosed
	"sendclosed": func() { c := make(chan int); close(c); c <- 1 }, // :sendclosed
	// wants logpanic: logged 1 @460
	"logpanic": func() { log.SetFlags(0); log.Panicf("logged %d", 1) },
	// wants negative: sync: negative WaitGroup counter @118
	"negative": func() { var wg sync.WaitGroup; wg.Done() },
	// wants runlock: FATAL sync: RUnlock of unlocked RWMutex @runlock
	"runlock": func() { var mu sync.RWMutex; mu.RUnlock() }, // :runlock
	// wants rangefunc: in the loop @rangefunc
	"rangefunc": func() {
		for i := range each {
			if i == 1 {
				panic("in the loop") // :rangefunc
			}
		}
	},
	// wants rangedefer: after the loop @rangedefer; deferred 2 @rangedefer2 in @rangedefer2; deferred 1 @rangedefer2 in @rangedefer2; deferred 0 @rangedefer2 in @rangedefer2
	"rangedefer": func() {
		for i := range each {
			defer func() { panic(fmt.Sprint("deferred ", i)) }() // :rangedefer2
		}
		panic("after the loop") // :rangedefer
	},
	// wants rangerude: runtime error: range function continued iteration after function for loop body returned false @rangerude
	"rangerude": func() {
		for range rude { // :rangerude
			break
		}
	},
	// wants initlike: four deep @initlike
	"initlike": func() { func() { func() { func() { panic("four deep") }() }() }() }, // :initlike
	// wants fault: FATAL fault @fault
	"fault": func() {
		b, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			panic(err)
		}
		println(b[0]) // :fault
	},
	// wants overflowdefer: ? @overflowdefer; FATAL stack overflow @overflowdefer2
	"overflowdefer": func() {
		debug.SetMaxStack(1 << 20)
		defer func() { endless(0) }()
		panic("before overflow") // :overflowdefer
	},
	// wants mapread: FATAL concurrent map read and map write @mapread | FATAL concurrent map writes @write
	"mapread": func() { concurrent(func(m map[int]int, n int) { _ = m[n%8] }) }, // :mapread
	// wants mapiter: FATAL concurrent map iteration and map write @mapiter | FATAL concurrent map writes @write
	"mapiter": func() {
		concurrent(func(m map[int]int, n int) {
			for range m { // :mapiter
			}
		})
	},
	// wants mapdelete: FATAL concurrent map writes @mapdelete | FATAL concurrent map writes @write
	"mapdelete": func() { concurrent(func(m map[int]int, n int) { delete(m, n%8) }) }, // :mapdelete
	// wants mapclear: FATAL concurrent map writes @mapclear | FATAL concurrent map writes @write
	"mapclear": func() { concurrent(func(m map[int]int, n int) { clear(m) }) }, // :mapclear
	// wants deadlockwg: FATAL all goroutines are asleep - deadlock! @?
	"deadlockwg": func() {
		var wg sync.WaitGroup
		wg.Add(1)
		go func() { c := make(chan int); c <- 1; wg.Done() }()
		wg.Wait()
	},
	// wants deadlockdefer: FATAL all goroutines are asleep - deadlock! @?
	"deadlockdefer": func() {
		c := make(chan int)
		defer func() { <-c }()
		panic("never printed?")
	},
	// wants deadlockrw: FATAL all goroutines are asleep - deadlock! @?
	"deadlockrw": func() {
		var mu sync.RWMutex
		mu.RLock()
		go func() { mu.Lock() }()
		time.Sleep(time.Millisecond)
		mu.RLock()
	},
	// wants goexitmain: FATAL all goroutines are asleep - deadlock! @?
	"goexitmain": func() { go func() { select {} }(); runtime.Goexit() },
	"twodie": func() {
		for i := range 4 {
			go func() { panic(fmt.Sprint("goroutine ", i)) }()
		}
		select {}
	},
	// wants sigsegv: SIGNAL SIGSEGV: segmentation violation
	"sigsegv": func() { syscall.Kill(os.Getpid(), syscall.SIGSEGV); time.Sleep(time.Second) },
	// wants sigabrt: SIGNAL SIGABRT: abort
	"sigabrt": func() { syscall.Kill(os.Getpid(), syscall.SIGABRT); time.Sleep(time.Second) },
	// wants sigtrap: SIGNAL SIGTRAP: trace trap
	"sigtrap": func() { syscall.Kill(os.Getpid(), syscall.SIGTRAP); time.Sleep(time.Second) },
	// wants sigbus: SIGNAL SIGBUS: bus error
	"sigbus": func() { syscall.Kill(os.Getpid(), syscall.SIGBUS); time.Sleep(time.Second) },
	// wants sigsys: SIGNAL SIGSYS: bad system call
	"sigsys": func() { syscall.Kill(os.Getpid(), syscall.SIGSYS); time.Sleep(time.Second) },
	// wants locked: with a locked one @locked
	"locked": func() {
		go func() { runtime.LockOSThread(); select {} }()
		time.Sleep(time.Millisecond)
		panic("with a locked one") // :locked
	},
	// wants printerrs: x @printerrs
	"printerrs": func() { fmt.Fprintln(os.Stderr, "goroutine 5 [running]: is what I print"); panic("x") }, // :printerrs
	// wants restackself: twice seen recovered @restackself & twice seen recovered @restackself again @restackself2
	"restackself": func() {
		defer func() {
			r := recover()
			fmt.Fprintf(os.Stderr, "panic: %v\n\n%s", r, debug.Stack())
			panic(r) // :restackself2
		}()
		panic("twice seen") // :restackself
	},
	// wants repanicwrap: with its stack recovered @repanicwrap; with its stack\ngoroutine 1 [running]:… @repanicwrap2 in @repanicwrap2
	"repanicwrap": func() {
		defer func() {
			if r := recover(); r != nil {
				panic(fmt.Sprintf("%v\n%s", r, debug.Stack())) // :repanicwrap2
			}
		}()
		panic("with its stack") // :repanicwrap
	},
	// wants repanicerr: failure: disk full recovered @repanicerr again @repanicerr2
	"repanicerr": func() {
		defer func() {
			if r := recover(); r != nil {
				panic(r) // :repanicerr2
			}
		}()
		panic(&failure{errDisk}) // :repanicerr
	},
	// wants badstring: ? @badstring; ? @nilerror2; FATAL panic while printing panic value: type runtime.errorString @nilerror2
	"badstring": func() { panic(&failure{nil}) }, // :badstring
	// wants badchain: ? @badchain; ? @badchain2 in @badchain2; ? @nilerror2; FATAL panic while printing panic value: type runtime.errorString @nilerror2
	"badchain": func() {
		defer func() { panic(&failure{nil}) }() // :badchain2
		panic("older")                          // :badchain
	},
	// wants oncefunc: once recovered @oncefunc again @37
	"oncefunc": func() {
		f := sync.OnceFunc(func() { panic("once") }) // :oncefunc
		defer func() { recover(); f() }()
		f()
	},
}

//go:noinline
func concurrent(other func(map[int]int, int)) {
	m := map[int]int{}
	for i := range 8 {
		m[i] = i
	}
	for range 3 {
		go func() {
			for n := 0; ; n++ {
				m[n%8] = n // :write
			}
		}()
		go func() {
			for n := 0; ; n++ {
				other(m, n)
			}
		}()
	}
	time.Sleep(5 * time.Second)
}

func main() {
	if len(os.Args) < 2 {
		for name := range cases {
			fmt.Println(name)
		}
		return
	}
	cases[os.Args[1]]()
}
