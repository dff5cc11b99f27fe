// Package blackbox keeps the evidence of a failure: what every goroutine was doing, and the last
// seconds of the execution trace.
//
//	func main() {
//		if err := blackbox.Start("/var/lib/app/blackbox"); err != nil {
//			log.Print(err) // the program runs on without it
//		}
//		defer blackbox.Stop()
//		…
//	}
//
//	func handle(ctx context.Context) {
//		defer blackbox.Recover(ctx)
//		…
//	}
//
// Start keeps a flight recorder running (Go 1.25 and later), makes the runtime print all
// goroutines when it dies, and gives it a file of its own to print to, so that an error that
// nothing can recover, such as "fatal error: concurrent map writes", leaves its dump too. (The
// runtime writes the stacks there, but of a fatal error not the line that names it; that line is on
// standard error only.)
//
// A bundle is a folder with meta.json, dump.txt (goroutines as text), goroutine.pb.gz (the
// goroutine profile) and trace.out (the flight recorder's window). It is written under a temporary
// name and then renamed, so that a folder without a leading dot is always complete. goward crash,
// goward trace and goward leaks open bundles directly.
package blackbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/trace"
	"sync"
	"time"
)

// Config says where bundles go and what they may cost. The zero value of each field but Dir stands
// for the default that is named with it.
type Config struct {
	// Dir is the folder for bundles. It is made if it does not exist.
	Dir string
	// MaxBytes is the budget for all bundles together: the oldest are removed. 256 MiB.
	MaxBytes int64
	// MaxWait is the longest that Recover holds up its caller while the bundle is written. 1 s.
	// What stops the world (the text of all goroutines) is not cut short by it; MaxGoroutines
	// bounds that.
	MaxWait time.Duration
	// MinInterval is the shortest time between two bundles of panics; panics in between are only
	// logged to the trace. 10 s.
	MinInterval time.Duration
	// MaxGoroutines is the largest number of goroutines for which their text is written; with
	// more, only the panicking goroutine's stack and the profile are. 10,000.
	MaxGoroutines int
	// TraceAge and TraceBytes are the flight recorder's window. 5 s and 8 MiB.
	TraceAge   time.Duration
	TraceBytes uint64
	// NoTrace leaves the flight recorder off.
	NoTrace bool
	// Traceback is the level for debug.SetTraceback. "all".
	Traceback string
}

func (c Config) withDefaults() Config {
	if c.MaxBytes <= 0 {
		c.MaxBytes = 256 << 20
	}
	if c.MaxWait <= 0 {
		c.MaxWait = time.Second
	}
	if c.MinInterval <= 0 {
		c.MinInterval = 10 * time.Second
	}
	if c.MaxGoroutines <= 0 {
		c.MaxGoroutines = 10_000
	}
	if c.TraceAge <= 0 {
		c.TraceAge = 5 * time.Second
	}
	if c.TraceBytes == 0 {
		c.TraceBytes = 8 << 20
	}
	if c.Traceback == "" {
		c.Traceback = "all"
	}
	return c
}

// A box is the running recorder. There is one per process at most.
type box struct {
	config   Config
	recorder recorder
	crash    *os.File

	mu   sync.Mutex // guards last and skipped
	last time.Time
	// skipped counts panics since the last bundle.
	skipped int

	writing sync.Mutex // one bundle is written at a time
}

var (
	mu      sync.Mutex // guards current
	current *box
)

// ErrStarted is what Start returns if the recorder runs already.
var ErrStarted = errors.New("blackbox: already started")

// Start starts the recorder with the default budgets and bundles in dir.
func Start(dir string) error { return StartConfig(Config{Dir: dir}) }

// StartConfig starts the recorder. If the flight recorder cannot run, because another one does or
// Go is older than 1.25, bundles have no trace and that is no error.
func StartConfig(config Config) error {
	if config.Dir == "" {
		return errors.New("blackbox: no folder for bundles given")
	}
	mu.Lock()
	defer mu.Unlock()
	if current != nil {
		return ErrStarted
	}
	config = config.withDefaults()
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return fmt.Errorf("blackbox: cannot make the folder for bundles: %w", err)
	}
	adoptCrashes(config.Dir)
	crash, err := openCrashFile(config.Dir)
	if err != nil {
		return fmt.Errorf("blackbox: cannot make the file for crashes: %w", err)
	}
	if err := debug.SetCrashOutput(crash, debug.CrashOptions{}); err != nil {
		crash.Close()
		os.Remove(crash.Name())
		return fmt.Errorf("blackbox: cannot set the crash output: %w", err)
	}
	debug.SetTraceback(config.Traceback)
	b := &box{config: config, crash: crash}
	if !config.NoTrace {
		b.recorder = startRecorder(config)
	}
	rotate(config.Dir, config.MaxBytes)
	current = b
	return nil
}

// Stop ends the recorder. Bundles stay.
func Stop() {
	mu.Lock()
	defer mu.Unlock()
	b := current
	if b == nil {
		return
	}
	current = nil
	debug.SetCrashOutput(nil, debug.CrashOptions{})
	if b.recorder != nil {
		b.recorder.Stop()
	}
	b.writing.Lock() // a bundle that is being written is finished first
	defer b.writing.Unlock()
	b.crash.Close()
	os.Remove(b.crash.Name())
}

func running() *box {
	mu.Lock()
	defer mu.Unlock()
	return current
}

// Recover is for defer. When the function panics it logs the panic to the trace, writes a bundle,
// and raises the same value again. It does not hold up its caller for longer than MaxWait, and
// does nothing but raise the value again while the recorder does not run.
func Recover(ctx context.Context) {
	value := recover()
	if value == nil {
		return
	}
	if b := running(); b != nil {
		b.panicked(ctx, value)
	}
	panic(value)
}

func (b *box) panicked(ctx context.Context, value any) {
	text := describe(value)
	trace.Log(ctx, "panic", text)
	b.mu.Lock()
	now := time.Now()
	due := b.last.IsZero() || now.Sub(b.last) >= b.config.MinInterval
	skipped := b.skipped
	if due {
		b.last, b.skipped = now, 0
	} else {
		b.skipped++
	}
	b.mu.Unlock()
	if !due {
		return
	}
	// The stack is that of this goroutine, so it is taken here.
	stack := goroutineText(b.config.MaxGoroutines)
	done := make(chan struct{})
	go func() {
		defer close(done)
		dump := append([]byte("blackbox: recovered panic: "+indent(text)+"\n\n"), stack...)
		b.write("panic", meta{Reason: "panic", Value: text, Skipped: skipped}, dump)
	}()
	timer := time.NewTimer(b.config.MaxWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// Checkpoint writes the goroutines of this moment under a label, for goward leaks to compare. It
// returns the bundle's folder.
func Checkpoint(label string) (string, error) {
	b := running()
	if b == nil {
		return "", errors.New("blackbox: not started")
	}
	return b.write("checkpoint-"+safeName(label), meta{Reason: "checkpoint", Label: label}, goroutineText(b.config.MaxGoroutines))
}
