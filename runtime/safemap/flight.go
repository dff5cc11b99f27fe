package safemap

import (
	"runtime"
	"slices"
	"strconv"
	"sync"
)

// How Compute is atomic although its function runs without a lock: it reads the entry, runs the
// function, and commits only if nobody changed the entry in between; otherwise it tries again. Each
// try is a flight, which writers of the same key mark as changed.
//
// Two things would make such a loop run for ever: a function that writes its own key, and a function
// so slow that some writer is always faster. After a few tries the flight is therefore supervised: it
// carries the identity of its goroutine, so that writes by that goroutine do not count, and the other
// writers of the key wait until it has landed. A writer that is itself inside a supervised flight
// does not wait (two that wait for each other would deadlock) but marks.

// supervisedAttempt is the number of the try from which on a flight is supervised. Finding out the
// identity of the goroutine takes microseconds, which is why the first tries do without.
const supervisedAttempt = 4

// flight is one try of a Compute.
type flight[K comparable] struct {
	key     K
	owner   uint64 // goroutine, or 0 if not supervised
	changed bool   // somebody else wrote the key
	written bool   // the function of the flight itself wrote the key (supervised flights only)
	done    chan struct{}
}

// flights are the tries under way; guarded by the lock of the map (or shard) that has them.
type flights[K comparable] struct {
	list []*flight[K]
}

// enter adds a flight; the lock is held, but given up while a supervised flight of another goroutine
// has the key.
func (fs *flights[K]) enter(mu sync.Locker, f *flight[K]) {
	if f.owner != 0 {
		fs.waitForOthers(mu, f.key)
		f.done = make(chan struct{})
	}
	fs.list = append(fs.list, f)
}

// leave removes a flight and lets those go on who wait for it.
func (fs *flights[K]) leave(f *flight[K]) {
	fs.list = slices.DeleteFunc(fs.list, func(other *flight[K]) bool { return other == f })
	if len(fs.list) == 0 {
		fs.list = nil
	}
	if f.done != nil {
		close(f.done)
	}
}

// admit must be called before each write of key, with the lock held; it may give the lock up and
// take it again.
func (fs *flights[K]) admit(mu sync.Locker, key K) {
	fs.waitForOthers(mu, key)
	fs.mark(key)
}

// waitForOthers waits until no supervised flight of another goroutine has the key, unless the caller
// is in a supervised flight itself. It may give the lock up and take it again.
func (fs *flights[K]) waitForOthers(mu sync.Locker, key K) {
	for {
		var landed chan struct{}
		for _, f := range fs.list {
			if f.owner != 0 && f.key == key {
				landed = f.done
			}
		}
		if landed == nil {
			return
		}
		self := goroutineID()
		if slices.ContainsFunc(fs.list, func(f *flight[K]) bool { return f.owner == self }) {
			return
		}
		mu.Unlock()
		<-landed
		mu.Lock()
	}
}

// mark tells the flights of key that it is being written; the lock is held.
func (fs *flights[K]) mark(key K) {
	for _, f := range fs.list {
		if f.key == key {
			f.touch()
		}
	}
}

// disturbAll marks every flight, for a change of the whole map; the lock is held.
func (fs *flights[K]) disturbAll() {
	for _, f := range fs.list {
		f.touch()
	}
}

// touch notes a write by the calling goroutine.
func (f *flight[K]) touch() {
	if f.owner != 0 && f.owner == goroutineID() {
		f.written = true
	} else {
		f.changed = true
	}
}

// goroutineID returns the number of the calling goroutine, from the first line of its stack trace
// ("goroutine 18 [running]:"); Go offers no other way.
func goroutineID() uint64 {
	var buffer [64]byte
	line := buffer[:runtime.Stack(buffer[:], false)]
	line = line[len("goroutine "):]
	end := slices.Index(line, ' ')
	if end < 0 {
		return 0
	}
	id, err := strconv.ParseUint(string(line[:end]), 10, 64)
	if err != nil {
		return 0
	}
	return id
}
