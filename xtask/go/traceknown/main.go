// Command traceknown writes execution traces of small programs whose exceptions are known: who
// panicked, who cancelled, who was hit by it, and what that depended on. The tests of `goward trace`
// hold what it says against them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime/trace"
	"sync"
	"time"
)

var sink int

func burn(d time.Duration) {
	for t := time.Now(); time.Since(t) < d; {
		for i := range 1000 {
			sink += i
		}
	}
}

func victim(ctx context.Context, wg *sync.WaitGroup) {
	defer wg.Done()
	<-ctx.Done()
	burn(time.Millisecond)
}

func canceller(cancel context.CancelFunc) {
	time.Sleep(10 * time.Millisecond)
	giveUp(cancel)
}

//go:noinline
func giveUp(cancel context.CancelFunc) { cancel() }

func plainCancel() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 3 {
		wg.Add(1)
		go victim(ctx, &wg)
	}
	go canceller(cancel)
	wg.Wait()
}

func nestedCancel() {
	ctx, cancel := context.WithCancelCause(context.Background())
	var wg sync.WaitGroup
	for i := range 3 {
		child, stop := context.WithTimeout(context.WithValue(ctx, "k", i), time.Minute)
		defer stop()
		wg.Add(1)
		go func() {
			defer wg.Done()
			select {
			case <-child.Done():
			case <-time.After(time.Minute):
			}
		}()
	}
	go func() {
		time.Sleep(5 * time.Millisecond)
		cancel(errors.New("disk full"))
	}()
	wg.Wait()
}

func timeout() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	wg.Add(1)
	go victim(ctx, &wg)
	wg.Wait()
}

//go:noinline
func raise() { panic("boom") }

func slowDefer() {
	defer func() { recover() }()
	defer func() { time.Sleep(3 * time.Millisecond) }()
	raise()
}

func loggedPanic() {
	ctx := context.Background()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				trace.Log(ctx, "panic", fmt.Sprint(r))
			}
		}()
		time.Sleep(2 * time.Millisecond)
		raise()
	}()
	<-done
}

func lockedPanic() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	held := make(chan struct{})
	wg.Add(2)
	go func() {
		defer wg.Done()
		defer func() { recover() }()
		mu.Lock()
		defer mu.Unlock()
		close(held)
		time.Sleep(5 * time.Millisecond)
		raise()
	}()
	go func() {
		defer wg.Done()
		<-held
		waitForLock(&mu)
	}()
	wg.Wait()
}

//go:noinline
func waitForLock(mu *sync.Mutex) { mu.Lock(); mu.Unlock() }

func errorLog() {
	ctx, task := trace.NewTask(context.Background(), "job")
	defer task.End()
	time.Sleep(time.Millisecond)
	trace.Logf(ctx, "error", "cannot open %s", "x")
}

func stepA(out chan<- int) { time.Sleep(30 * time.Millisecond); out <- 1 }

func stepB(wg *sync.WaitGroup) {
	defer wg.Done()
	time.Sleep(5 * time.Millisecond)
}

func stepC(in <-chan int, out chan<- int) { v := <-in; burn(20 * time.Millisecond); out <- v }

func critical() {
	_, task := trace.NewTask(context.Background(), "critical")
	a, c := make(chan int), make(chan int)
	var wg sync.WaitGroup
	wg.Add(1)
	go stepA(a)
	go stepB(&wg)
	go stepC(a, c)
	wg.Wait()
	<-c
	task.End()
}

func chain() {
	// X is cancelled by Y because Z failed.
	ctx, cancel := context.WithCancelCause(context.Background())
	errs := make(chan error)
	var wg sync.WaitGroup
	wg.Add(2)
	go victim(ctx, &wg)
	go func() { // supervisor
		defer wg.Done()
		err := <-errs
		cancel(err)
	}()
	go failing(errs)
	wg.Wait()
}

//go:noinline
func failing(errs chan<- error) {
	time.Sleep(7 * time.Millisecond)
	errs <- errors.New("z failed")
}

func normal() { // no exception at all
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	ch := make(chan int)
	wg.Add(1)
	go func() {
		defer wg.Done()
		for range ch {
			burn(100 * time.Microsecond)
		}
	}()
	for i := range 10 {
		ch <- i
	}
	close(ch)
	wg.Wait()
	cancel()
	_ = ctx
}

type db struct{}

func (d *db) Close() error { time.Sleep(time.Millisecond); panic("close failed") }

func nested() {
	defer func() {
		r := recover()
		trace.Log(context.Background(), "recovered", fmt.Sprint(r))
	}()
	d := &db{}
	defer d.Close()
	query()
}

//go:noinline
func query() { panic("query failed") }

func httpPanic() {
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	srv := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/boom" {
			broken()
		}
		select {
		case <-r.Context().Done():
		case <-time.After(time.Second):
		}
	})}
	go srv.Serve(l)
	url := "http://" + l.Addr().String()
	http.Get(url + "/boom")
	ctx, cancel := context.WithCancel(context.Background())
	go func() { time.Sleep(20 * time.Millisecond); cancel() }()
	req, _ := http.NewRequestWithContext(ctx, "GET", url+"/slow", nil)
	_, err := http.DefaultClient.Do(req)
	_ = err
	time.Sleep(20 * time.Millisecond)
	srv.Close()
}

//go:noinline
func broken() { var m map[string]int; m["x"] = 1 }

type group struct {
	wg     sync.WaitGroup
	once   sync.Once
	cancel context.CancelCauseFunc
}

func (g *group) Go(f func() error) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		if err := f(); err != nil {
			g.once.Do(func() { g.cancel(err) })
		}
	}()
}

func loader(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func writer(ctx context.Context) error {
	time.Sleep(4 * time.Millisecond)
	return fmt.Errorf("disk full")
}

func groups() {
	ctx, cancel := context.WithCancelCause(context.Background())
	g := &group{cancel: cancel}
	for range 4 {
		g.Go(func() error { return loader(ctx) })
	}
	g.Go(func() error { return writer(ctx) })
	g.wg.Wait()
}

func longRun() { // several generations, then a panic whose cause lies generations back
	ch := make(chan int)
	start := make(chan int)
	go func() {
		<-start
		time.Sleep(2500 * time.Millisecond)
		ch <- 1
	}()
	done := make(chan int)
	go func() {
		defer close(done)
		defer func() { trace.Log(context.Background(), "panic", fmt.Sprint(recover())) }()
		<-ch
		query()
	}()
	close(start)
	<-done
}

func recorder(path string) {
	fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 200 * time.Millisecond, MaxBytes: 1 << 20})
	fr.Start()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() { defer wg.Done(); loader(ctx) }()
	}
	time.Sleep(1500 * time.Millisecond)
	go func() { time.Sleep(5 * time.Millisecond); cancel() }()
	wg.Wait()
	f, _ := os.Create(path)
	fr.WriteTo(f)
	f.Close()
	fr.Stop()
}

func tasks() { // a task over three goroutines with a mutex on the way
	ctx, task := trace.NewTask(context.Background(), "import")
	var mu sync.Mutex
	out := make(chan int)
	go func() { mu.Lock(); time.Sleep(25 * time.Millisecond); mu.Unlock() }() // holder
	time.Sleep(time.Millisecond)
	go func() {
		trace.WithRegion(ctx, "parse", func() { mu.Lock(); time.Sleep(3 * time.Millisecond); mu.Unlock() })
		out <- 1
	}()
	<-out
	task.End()
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: traceknown PROGRAM FILE")
	}
	name, path := os.Args[1], os.Args[2]
	if name == "recorder" {
		recorder(path)
		return
	}
	programs := map[string]func(){
		"plainCancel": plainCancel, "nestedCancel": nestedCancel, "timeout": timeout,
		"slowDefer": slowDefer, "loggedPanic": loggedPanic, "lockedPanic": lockedPanic,
		"errorLog": errorLog, "critical": critical, "chain": chain, "normal": normal,
		"nested": nested, "httpPanic": httpPanic, "groups": groups, "longRun": longRun,
		"tasks": tasks,
	}
	program := programs[name]
	if program == nil {
		log.Fatalf("no program %q", name)
	}
	f, err := os.Create(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := trace.Start(f); err != nil {
		log.Fatal(err)
	}
	time.Sleep(time.Millisecond)
	program()
	trace.Stop()
}
