// Command app crashes in the way its first argument names. The reader's fixtures are its output.
package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"
)

type conn struct{ state *int }

func (c *conn) Close() { *c.state = 0 }

//go:noinline
func use(c *conn, list []int, at int) int {
	defer c.Close()
	return list[at]
}

type step string

type badError struct{}

func (badError) Error() string { panic("inside Error") }

type badType struct{}

func (badType) Error() string { panic(errors.New("an error inside Error")) }

type table struct{ rows map[string]int }

//go:noinline
func (t *table) set(name string) { t.rows[name] = 1 }

//go:noinline
func deep(n int) int { return deep(n+1) + 1 }

func third() { panic("third") }

func second() {
	defer third()
	panic("second")
}

func first() {
	defer second()
	panic("first")
}

func swallow() {
	defer func() { _ = recover() }()
	panic("swallowed")
}

var errShared = errors.New("shared")

var cases = map[string]func(){
	"plain":   func() { panic("plain") },
	"nested2": func() { use(&conn{}, []int{1}, 7) },
	"nested3": first,
	"nested3closures": func() {
		defer func() {
			defer func() { panic(fmt.Errorf("c: %v", "b")) }()
			panic(errors.New("b"))
		}()
		panic("a")
	},
	"between": func() {
		defer func() {
			swallow()
			panic("after swallowing")
		}()
		panic("before")
	},
	"recovernew": func() {
		defer func() {
			if r := recover(); r != nil {
				panic(fmt.Sprintf("wrapped: %v", r))
			}
		}()
		panic("original")
	},
	"repanic": func() {
		defer func() { panic(recover()) }()
		panic("again")
	},
	"repanictwice": func() {
		defer func() { panic(recover()) }()
		defer func() { panic(recover()) }()
		panic("again")
	},
	"repanicmiddle": func() {
		defer func() { panic("last") }()
		defer func() { panic(recover()) }()
		panic("again")
	},
	"samevalue": func() {
		defer func() { panic(errShared) }()
		panic(errShared)
	},
	"samevaluemiddle": func() {
		defer func() { panic("last") }()
		defer func() { panic(errShared) }()
		panic(errShared)
	},
	"goexit": func() {
		defer func() { panic("after Goexit") }()
		runtime.Goexit()
	},
	"panicgoexitpanic": func() {
		defer func() { panic("second") }()
		defer runtime.Goexit()
		panic("first")
	},
	"baderror":     func() { panic(badError{}) },
	"baderrortype": func() { panic(badType{}) },
	"custom":       func() { panic(step("line one\nline two")) },
	"struct":       func() { panic(struct{ n int }{3}) },
	"nil":          func() { panic(nil) },
	"multiline":    func() { panic("one\n\ntwo\n") },
	"fakechain":    func() { panic("one\npanic: two") },
	"fakemark":     func() { panic("one [recovered]") },
	"fakefold":     func() { panic("one [recovered, repanicked]") },
	"fakedump": func() {
		panic("x\n\ngoroutine 1 [running]:\nmain.evil()\n\t/x.go:1 +0x1\n\npanic: not real\n\ngoroutine 7 [running]:\nmain.evil()\n\t/x.go:1 +0x1")
	},
	"fakesignal": func() { panic("x\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]\n\ngoroutine 5 [running]:\nmain.evil()\n\t/x.go:1 +0x1\n") },
	"html":       func() { panic("<script>alert(1)</script>\x1b[31mred\x07") },
	"nilmap":     func() { (&table{}).set("a") },
	"nilfunc":    func() { var f func(); f() },
	"typeassert": func() { var v any = "s"; _ = v.(int) },
	"regexp":     func() { regexp.MustCompile("(") },
	"negative":   func() { var wg sync.WaitGroup; wg.Done() },
	"unlock":     func() { var mu sync.RWMutex; mu.Unlock() },
	"maps": func() {
		m := map[int]int{}
		for i := 0; i < 4; i++ {
			go func() {
				for n := 0; ; n++ {
					m[n%16] = n
				}
			}()
		}
		time.Sleep(5 * time.Second)
	},
	"mapdefer": func() {
		m := map[int]int{}
		for i := 0; i < 4; i++ {
			go func() {
				defer func() {
					for n := 0; ; n++ {
						m[n%16] = n
					}
				}()
				panic("hidden by the fatal error")
			}()
		}
		time.Sleep(5 * time.Second)
	},
	"deadlock": func() {
		var mu sync.Mutex
		mu.Lock()
		go mu.Lock()
		mu.Lock()
	},
	"nilchan":  func() { var c chan int; go func() { c <- 1 }(); <-c },
	"overflow": func() { debug.SetMaxStack(1 << 20); deep(0) },
	"threads": func() {
		debug.SetMaxThreads(12)
		for i := 0; i < 40; i++ {
			go func() { runtime.LockOSThread(); time.Sleep(time.Hour) }()
		}
		time.Sleep(2 * time.Second)
	},
	"oom":  func() { n := 1 << 46; _ = make([]byte, n)[n-1] },
	"oom2": func() { s := [][]byte{}; for { s = append(s, make([]byte, 1<<42)) } },
	"quit":  func() { background(); syscall.Kill(os.Getpid(), syscall.SIGQUIT); time.Sleep(time.Second) },
	"abort": func() { background(); syscall.Kill(os.Getpid(), syscall.SIGABRT); time.Sleep(time.Second) },
	"stack": func() { background(); fmt.Fprintln(os.Stderr, "before"); debug.PrintStack(); fmt.Fprintln(os.Stderr, "after") },
	"listing": func() {
		background()
		time.Sleep(10 * time.Millisecond)
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 2)
	},
	"recoverlog": func() {
		defer func() {
			r := recover()
			log.Printf("recovered: %v\n%s", r, debug.Stack())
		}()
		use(&conn{}, []int{1}, 7)
	},
	"http": func() {
		l, _ := net.Listen("tcp", "127.0.0.1:0")
		go http.Serve(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { use(&conn{}, []int{1}, 7) }))
		http.Get("http://" + l.Addr().String())
	},
	"child": func() {
		go func() { go func() { time.Sleep(20 * time.Millisecond); (&table{}).set("child") }(); select {} }()
		time.Sleep(time.Second)
	},
}

func background() {
	var mu sync.Mutex
	mu.Lock()
	var once sync.Once
	_ = &once
	jobs := make(chan int)
	var never chan int
	for i := 0; i < 3; i++ {
		go worker(jobs)
	}
	go func() { mu.Lock() }()
	go func() { <-never }()
	go func() {
		cond := sync.NewCond(&sync.Mutex{})
		cond.L.Lock()
		cond.Wait()
	}()
	go func() {
		select {
		case <-never:
		case jobs <- 1:
		case <-time.After(time.Hour):
		}
	}()
	go func() { select {} }()
	time.Sleep(10 * time.Millisecond)
}

func worker(jobs chan int) {
	for range jobs {
	}
	time.Sleep(time.Hour)
}

func main() { cases[os.Args[1]]() }
