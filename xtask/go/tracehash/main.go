// Command tracehash reads execution traces with golang.org/x/exp/trace and prints a hash of the
// events of each generation, so that goward's reader can be compared with it on traces that are too
// large for text.
//
//	tracehash FILE        one line for each sync event and the verdict
//	tracehash -count FILE the number of events only: the baseline of the reader's benchmark
//
// The hash covers kind, thread, processor, goroutine, time, the kind's details, and the text of
// strings and stacks. goward's side of it is crates/goward_trace/src/trace/hash.rs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"golang.org/x/exp/trace"
)

const (
	offset = 14695981039346656037
	prime  = 1099511628211
)

type hash uint64

func (h *hash) number(v uint64) {
	x := uint64(*h) ^ v
	x *= 0x9E3779B97F4A7C15
	x ^= x >> 29
	*h = hash(x)
}

var texts = map[string]uint64{}

func (h *hash) text(s string) {
	v, ok := texts[s]
	if !ok {
		v = offset
		for i := range len(s) {
			v = (v ^ uint64(s[i])) * prime
		}
		texts[s] = v
	}
	h.number(v)
}

var stacks = map[trace.Stack]uint64{}

func (h *hash) stack(s trace.Stack) {
	if s == trace.NoStack {
		h.number(0)
		return
	}
	v, ok := stacks[s]
	if !ok {
		inner := hash(1)
		for f := range s.Frames() {
			inner.number(f.PC)
			inner.text(f.Func)
			inner.text(f.File)
			inner.number(f.Line)
		}
		v = uint64(inner)
		stacks[s] = v
	}
	h.number(v)
}

func (h *hash) resource(r trace.ResourceID) {
	switch r.Kind {
	case trace.ResourceGoroutine:
		h.number(uint64(r.Goroutine()))
	case trace.ResourceProc:
		h.number(uint64(r.Proc()))
	default:
		h.number(0)
	}
}

func (h *hash) event(e trace.Event) {
	h.number(uint64(e.Kind()))
	h.number(uint64(e.Thread()))
	h.number(uint64(e.Proc()))
	h.number(uint64(e.Goroutine()))
	h.number(uint64(e.Time()))
	switch e.Kind() {
	case trace.EventSync:
		s := e.Sync()
		h.number(uint64(s.N))
		if c := s.ClockSnapshot; c != nil {
			h.number(uint64(c.Trace))
			h.number(c.Mono)
			h.number(uint64(c.Wall.Unix()))
			h.number(uint64(c.Wall.Nanosecond()))
		}
	case trace.EventMetric:
		m := e.Metric()
		h.text(m.Name)
		h.number(m.Value.Uint64())
	case trace.EventLabel:
		l := e.Label()
		h.text(l.Label)
		h.resource(l.Resource)
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		r := e.Range()
		h.text(r.Name)
		h.resource(r.Scope)
		if e.Kind() == trace.EventRangeEnd {
			for _, a := range e.RangeAttributes() {
				h.number(a.Value.Uint64())
			}
		}
	case trace.EventTaskBegin, trace.EventTaskEnd:
		t := e.Task()
		h.number(uint64(t.ID))
		h.number(uint64(t.Parent))
		h.text(t.Type)
	case trace.EventRegionBegin, trace.EventRegionEnd:
		r := e.Region()
		h.number(uint64(r.Task))
		h.text(r.Type)
	case trace.EventLog:
		l := e.Log()
		h.number(uint64(l.Task))
		h.text(l.Category)
		h.text(l.Message)
	case trace.EventStateTransition:
		s := e.StateTransition()
		h.resource(s.Resource)
		switch s.Resource.Kind {
		case trace.ResourceGoroutine:
			from, to := s.Goroutine()
			h.number(uint64(from))
			h.number(uint64(to))
		case trace.ResourceProc:
			from, to := s.Proc()
			h.number(uint64(from))
			h.number(uint64(to))
		}
		h.text(s.Reason)
		h.stack(s.Stack)
	case trace.EventExperimental:
		x := e.Experimental()
		h.text(x.Name)
		for i := range x.Args {
			h.number(x.ArgValue(i).Uint64())
		}
	}
	h.stack(e.Stack())
}

// verdict reads one trace and says how it ended.
func verdict(file string, count bool) (text string) {
	events, h := 0, hash(offset)
	defer func() {
		// Go's accessors panic on some broken traces; for the comparison that is a refusal.
		if r := recover(); r != nil {
			text = fmt.Sprintf("%d events %016x, refused", events, uint64(h))
		}
	}()
	f, err := os.Open(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer f.Close()
	r, err := trace.NewReader(f)
	if err != nil {
		return "0 events, refused"
	}
	for {
		e, err := r.ReadEvent()
		if errors.Is(err, io.EOF) && err == io.EOF {
			return fmt.Sprintf("%d events %016x, complete", events, uint64(h))
		}
		if err != nil {
			return fmt.Sprintf("%d events %016x, refused", events, uint64(h))
		}
		if !count {
			if e.Kind() == trace.EventSync {
				fmt.Printf("%s generation: %d events %016x\n", file, events, uint64(h))
				clear(stacks)
				if len(texts) > 1<<20 {
					clear(texts)
				}
			}
			before := h
			func() {
				defer func() {
					if r := recover(); r != nil {
						h = before
						panic(r)
					}
				}()
				h.event(e)
			}()
		}
		events++
	}
}

func main() {
	count := flag.Bool("count", false, "count events only")
	flag.Parse()
	for _, file := range flag.Args() {
		fmt.Printf("%s: %s\n", file, verdict(file, *count))
	}
}
