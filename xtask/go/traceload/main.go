// Command traceload makes execution traces for goward's oracles and benchmarks: a busy service in
// small, with everything in it that a trace can show. Requests run as tasks with regions and logs,
// fan out, cancel each other, panic and recover; there are locks, channels, timers, system calls,
// coroutines, garbage, and goroutines that idle or leak.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log"
	"os"
	"runtime/debug"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"
)

var (
	out        = flag.String("o", "out.trace", "where the trace goes")
	size       = flag.Int64("size", 5<<20, "end once the trace has this many bytes")
	longest    = flag.Duration("longest", time.Minute, "end after this time anyway")
	workers    = flag.Int("workers", 32, "goroutines that serve requests")
	idle       = flag.Int("idle", 500, "goroutines that mostly wait")
	cpuProfile = flag.Bool("cpu", true, "take CPU samples, too")
	recorder   = flag.Bool("recorder", false, "write a flight recorder's snapshot instead")
	profile    = flag.String("profile", "", "write a goroutine profile (pprof) here half way through")
	dump       = flag.String("dump", "", "write all goroutine stacks here half way through")
)

// countingWriter counts what passes through.
type countingWriter struct {
	to    io.Writer
	bytes atomic.Int64
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.bytes.Add(int64(len(p)))
	return w.to.Write(p)
}

var errStock = errors.New("out of stock")

type shelf struct {
	mu    sync.Mutex
	items map[int]int
}

func (s *shelf) take(key int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[key%128]++
	for i := range 300 {
		s.items[128] += i
	}
}

type order struct{ note *string }

// find knows no order with a number that divides by 997.
func find(number int) *order {
	if number%997 == 0 {
		return nil
	}
	note := "fine"
	return &order{&note}
}

func evens(limit int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i < limit; i += 2 {
			if !yield(i) {
				return
			}
		}
	}
}

func pick(ctx context.Context, s *shelf, number int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for part := range 3 + number%4 {
		group.Go(func() {
			defer trace.StartRegion(ctx, "pick part").End()
			s.take(number + part)
			if (number+part)%53 == 0 {
				err := fmt.Errorf("part %d of order %d: %w", part, number, errStock)
				trace.Logf(ctx, "cancel", "cause=%v", err)
				cancel(err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(number%7*50) * time.Microsecond):
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func serve(ctx context.Context, s *shelf, number int) (err error) {
	ctx, task := trace.NewTask(ctx, "order")
	defer task.End()
	trace.Logf(ctx, "order", "number=%d", number)
	defer func() {
		if r := recover(); r != nil {
			trace.Log(ctx, "panic", fmt.Sprint(r))
			_ = debug.Stack()
			err = fmt.Errorf("recovered: %v", r)
		}
	}()
	trace.WithRegion(ctx, "look up", func() {
		s.take(number)
		_ = *find(number).note
	})
	if number%31 == 0 {
		next, stop := iter.Pull(evens(20))
		for range 5 {
			next()
		}
		stop()
	}
	if number%17 == 0 {
		if f, err := os.Open("/dev/null"); err == nil {
			f.Write([]byte("x"))
			f.Close()
		}
	}
	if number%64 == 0 {
		_ = make([]byte, 1<<19)
	}
	return pick(ctx, s, number)
}

func wait(ctx context.Context, kind int) {
	switch kind % 3 {
	case 0:
		tick := time.NewTicker(time.Duration(20+kind%80) * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	case 1:
		<-ctx.Done()
	default:
		select {}
	}
}

func run() error {
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	counted := &countingWriter{to: file}
	var flight *trace.FlightRecorder
	if *recorder {
		flight = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 300 * time.Millisecond, MaxBytes: uint64(*size)})
		if err := flight.Start(); err != nil {
			return err
		}
	} else {
		if *cpuProfile {
			if err := pprof.StartCPUProfile(io.Discard); err != nil {
				return err
			}
		}
		if err := trace.Start(counted); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	for i := range *idle {
		go pprof.Do(ctx, pprof.Labels("pool", fmt.Sprint("idle", i%3)), func(ctx context.Context) { wait(ctx, i) })
	}
	s := &shelf{items: map[int]int{}}
	var number atomic.Int64
	var stop atomic.Bool
	var group sync.WaitGroup
	for range *workers {
		group.Go(func() {
			for !stop.Load() {
				n := int(number.Add(1))
				_ = serve(ctx, s, n)
				if n%512 == 0 {
					leak := make(chan int)
					go func() { leak <- n }() // nobody receives
				}
			}
		})
	}
	start, taken := time.Now(), false
	for time.Since(start) < *longest {
		time.Sleep(5 * time.Millisecond)
		if *recorder && time.Since(start) > 1500*time.Millisecond {
			break
		}
		if !*recorder && counted.bytes.Load() >= *size {
			break
		}
		if !taken && (counted.bytes.Load() >= *size/2 || time.Since(start) > min(*longest/2, 700*time.Millisecond)) {
			taken = true
			if err := snapshot(); err != nil {
				return err
			}
		}
	}
	if *recorder {
		if _, err := flight.WriteTo(counted); err != nil {
			return err
		}
		flight.Stop()
	}
	stop.Store(true)
	group.Wait()
	if !*recorder {
		trace.Stop()
		pprof.StopCPUProfile()
	}
	cancel()
	fmt.Fprintf(os.Stderr, "%d bytes, %d orders in %v\n", counted.bytes.Load(), number.Load(), time.Since(start).Round(time.Millisecond))
	return file.Close()
}

func snapshot() error {
	for _, want := range []struct {
		path  string
		debug int
	}{{*profile, 0}, {*dump, 2}} {
		if want.path == "" {
			continue
		}
		var text bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&text, want.debug); err != nil {
			return err
		}
		if err := os.WriteFile(want.path, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	flag.Parse()
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
