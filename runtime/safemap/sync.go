package safemap

import (
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
)

// Sync is a [sync.Map] with types. The zero value is an empty map, ready for use.
//
// It is at its best where each key is written once and read often, or where goroutines work on
// disjoint keys. Len counts the entries one by one.
type Sync[K comparable, V any] struct {
	// The values are of type *V: a pointer tells two writes of equal values apart, and exists for
	// values that == cannot compare.
	entries sync.Map

	// supervised is the number of supervised flights, so that writers need to look at no lock as
	// long as there is none.
	supervised atomic.Int32
	mu         sync.Mutex // guards flights
	flights    flights[K]
}

// admit must be called before each write of key.
func (m *Sync[K, V]) admit(key K) {
	if m.supervised.Load() != 0 {
		m.mu.Lock()
		m.flights.admit(&m.mu, key)
		m.mu.Unlock()
	}
}

// Load returns the value of key, and whether the map has that key.
func (m *Sync[K, V]) Load(key K) (value V, ok bool) {
	stored, ok := m.entries.Load(key)
	if !ok {
		return value, false
	}
	return *stored.(*V), true
}

// Store sets the value of key.
func (m *Sync[K, V]) Store(key K, value V) {
	m.admit(key)
	m.entries.Store(key, &value)
}

// LoadOrStore returns the value of key if the map has it (loaded is true); otherwise it stores and
// returns the given value.
func (m *Sync[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	if actual, loaded = m.Load(key); loaded {
		return actual, true
	}
	m.admit(key)
	stored, loaded := m.entries.LoadOrStore(key, &value)
	return *stored.(*V), loaded
}

// LoadAndDelete removes key and returns the value that it had; loaded says whether it was there.
func (m *Sync[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	m.admit(key)
	stored, loaded := m.entries.LoadAndDelete(key)
	if !loaded {
		return value, false
	}
	return *stored.(*V), true
}

// Delete removes key; it does nothing if the map does not have it.
func (m *Sync[K, V]) Delete(key K) {
	m.admit(key)
	m.entries.Delete(key)
}

// Swap sets the value of key and returns the one that it had; loaded says whether it was there.
func (m *Sync[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	m.admit(key)
	stored, loaded := m.entries.Swap(key, &value)
	if !loaded {
		return previous, false
	}
	return *stored.(*V), true
}

// CompareAndSwap sets key to new if the map has it with the value old. Values of V must be
// comparable with ==; where they are not (a slice, say), the comparison panics, the map unchanged.
func (m *Sync[K, V]) CompareAndSwap(key K, old, new V) (swapped bool) {
	m.admit(key)
	for {
		stored, ok := m.entries.Load(key)
		if !ok || any(*stored.(*V)) != any(old) {
			return false
		}
		if m.entries.CompareAndSwap(key, stored, &new) {
			return true
		}
	}
}

// CompareAndDelete removes key if the map has it with the value old. As for CompareAndSwap, values
// must be comparable with ==.
func (m *Sync[K, V]) CompareAndDelete(key K, old V) (deleted bool) {
	m.admit(key)
	for {
		stored, ok := m.entries.Load(key)
		if !ok || any(*stored.(*V)) != any(old) {
			return false
		}
		if m.entries.CompareAndDelete(key, stored) {
			return true
		}
	}
}

// Compute replaces the entry of key by what f makes of it, atomically. f gets the value and whether
// it is there, and returns the new value and whether to keep the entry: with keep false the key is
// removed. Compute returns the entry as it is afterwards.
//
// f runs without a lock and may use the map. It runs again when another goroutine changed the entry
// in the meantime; if f changes the same key itself, the value that it returns wins.
func (m *Sync[K, V]) Compute(key K, f func(old V, loaded bool) (new V, keep bool)) (actual V, ok bool) {
	for attempt := 0; attempt < supervisedAttempt; attempt++ {
		stored, old := m.observe(key)
		value, keep := f(old, stored != nil)
		if m.commit(key, stored, value, keep) {
			return entry(value, keep)
		}
	}
	return m.computeSupervised(key, f)
}

// observe returns the entry, as a pointer that is nil if the map does not have the key.
func (m *Sync[K, V]) observe(key K) (stored *V, value V) {
	found, ok := m.entries.Load(key)
	if !ok {
		return nil, value
	}
	stored = found.(*V)
	return stored, *stored
}

// commit writes the outcome of a Compute if the entry is still the one that was observed.
func (m *Sync[K, V]) commit(key K, observed *V, value V, keep bool) bool {
	m.admit(key)
	switch {
	case observed == nil && keep:
		_, loaded := m.entries.LoadOrStore(key, &value)
		return !loaded
	case observed == nil:
		_, loaded := m.entries.Load(key)
		return !loaded
	case keep:
		return m.entries.CompareAndSwap(key, observed, &value)
	default:
		return m.entries.CompareAndDelete(key, observed)
	}
}

// computeSupervised runs f with the other writers of the key held back.
func (m *Sync[K, V]) computeSupervised(key K, f func(V, bool) (V, bool)) (actual V, ok bool) {
	watch := &flight[K]{key: key, owner: goroutineID()}
	m.supervised.Add(1)
	m.mu.Lock()
	m.flights.enter(&m.mu, watch)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.flights.leave(watch)
		m.mu.Unlock()
		m.supervised.Add(-1)
	}()
	for {
		m.mu.Lock()
		watch.changed, watch.written = false, false
		m.mu.Unlock()
		stored, old := m.observe(key)
		value, keep := f(old, stored != nil)
		m.mu.Lock()
		changed, written := watch.changed, watch.written
		m.mu.Unlock()
		for !changed {
			// What f wrote itself is overwritten by what it returned.
			if written {
				stored, _ = m.observe(key)
			}
			if m.commit(key, stored, value, keep) {
				return entry(value, keep)
			}
			if !written {
				break
			}
		}
	}
}

// Update sets key to what f makes of its value, atomically, and returns the new value. f runs as in
// [Sync.Compute].
func (m *Sync[K, V]) Update(key K, f func(old V, loaded bool) V) V {
	value, _ := m.Compute(key, func(old V, loaded bool) (V, bool) { return f(old, loaded), true })
	return value
}

// Deferred captures the value of key now, for a deferred call that needs the value of this moment.
func (m *Sync[K, V]) Deferred(key K) Captured[V] {
	value, ok := m.Load(key)
	return Captured[V]{Value: value, OK: ok}
}

// Range calls f for each entry until f returns false. No lock is held and no copy made: f may use
// the map. No key comes twice; an entry that changes meanwhile comes with its value of any moment
// of the call, or not at all if it is stored or deleted meanwhile. The order is random.
func (m *Sync[K, V]) Range(f func(key K, value V) bool) {
	m.entries.Range(func(key, stored any) bool {
		// A nil key of an interface type arrives as a nil any, which does not assert to K.
		typed, _ := key.(K)
		return f(typed, *stored.(*V))
	})
}

// All returns an iterator over the entries; see [Sync.Range].
func (m *Sync[K, V]) All() iter.Seq2[K, V] { return m.Range }

// Keys returns an iterator over the keys; see [Sync.Range].
func (m *Sync[K, V]) Keys() iter.Seq[K] { return keys(m.All()) }

// Values returns an iterator over the values; see [Sync.Range].
func (m *Sync[K, V]) Values() iter.Seq[V] { return values(m.All()) }

// Clone returns a new map with the entries that Range visits.
func (m *Sync[K, V]) Clone() *Sync[K, V] {
	clone := new(Sync[K, V])
	m.Range(func(key K, value V) bool {
		clone.entries.Store(key, &value)
		return true
	})
	return clone
}

// Snapshot returns a plain map with the entries that Range visits; it is never nil.
func (m *Sync[K, V]) Snapshot() map[K]V {
	entries := make(map[K]V)
	m.Range(func(key K, value V) bool {
		entries[key] = value
		return true
	})
	return entries
}

// Len counts the entries that Range visits, which takes time in proportion to their number.
func (m *Sync[K, V]) Len() int {
	n := 0
	m.entries.Range(func(any, any) bool {
		n++
		return true
	})
	return n
}

// Clear removes all entries.
func (m *Sync[K, V]) Clear() {
	if m.supervised.Load() != 0 {
		m.mu.Lock()
		m.flights.disturbAll()
		m.mu.Unlock()
	}
	m.entries.Clear()
}

// String formats the entries that Range visits as fmt does a plain map.
func (m *Sync[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }

// MarshalJSON writes the entries that Range visits as encoding/json does a plain map.
func (m *Sync[K, V]) MarshalJSON() ([]byte, error) { return marshal(m.Snapshot()) }

// UnmarshalJSON adds the entries of a JSON object, as encoding/json does with a plain map: keys that
// the text does not name stay, null empties the map. After an error the map is as it was.
func (m *Sync[K, V]) UnmarshalJSON(text []byte) error { return unmarshal(text, m.Store, m.Clear) }
