package safemap

import (
	"fmt"
	"iter"
	"maps"
	"sync"
)

// RW is a plain map behind a [sync.RWMutex]. The zero value is an empty map, ready for use.
//
// Of the three maps it takes the least memory, and Range, All, Keys, Values and Clone see the
// entries of one moment. Its readers share one lock: where many processors read at once, [Sharded]
// is faster.
type RW[K comparable, V any] struct {
	mu      sync.RWMutex
	entries map[K]V
	// changes counts the writes; Compute sees by it that nothing at all was written meanwhile.
	changes uint64
	flights flights[K]
}

// lock takes the write lock for a change of key.
func (m *RW[K, V]) lock(key K) {
	m.mu.Lock()
	if m.flights.list != nil {
		m.flights.admit(&m.mu, key)
	}
	m.changes++
}

// put sets the entry; the write lock must be held.
func (m *RW[K, V]) put(key K, value V) {
	if m.entries == nil {
		m.entries = make(map[K]V)
	}
	m.entries[key] = value
}

// Load returns the value of key, and whether the map has that key.
func (m *RW[K, V]) Load(key K) (value V, ok bool) {
	m.mu.RLock()
	// Deferred, here and below, because a key of an interface type may turn out to be unhashable:
	// the panic must not leave the lock taken.
	defer m.mu.RUnlock()
	value, ok = m.entries[key]
	return value, ok
}

// Store sets the value of key.
func (m *RW[K, V]) Store(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	// As in lock, spelt out: the call of a generic method is not inlined, and this one counts.
	if m.flights.list != nil {
		m.flights.admit(&m.mu, key)
	}
	m.changes++
	if m.entries == nil {
		m.entries = make(map[K]V)
	}
	m.entries[key] = value
}

// LoadOrStore returns the value of key if the map has it (loaded is true); otherwise it stores and
// returns the given value.
func (m *RW[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	if actual, loaded = m.Load(key); loaded {
		return actual, true
	}
	m.lock(key)
	defer m.mu.Unlock()
	if actual, loaded = m.entries[key]; loaded {
		return actual, true
	}
	m.put(key, value)
	return value, false
}

// LoadAndDelete removes key and returns the value that it had; loaded says whether it was there.
func (m *RW[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	m.lock(key)
	defer m.mu.Unlock()
	value, loaded = m.entries[key]
	if loaded {
		delete(m.entries, key)
	}
	return value, loaded
}

// Delete removes key; it does nothing if the map does not have it.
func (m *RW[K, V]) Delete(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.flights.list != nil {
		m.flights.admit(&m.mu, key)
	}
	m.changes++
	delete(m.entries, key)
}

// Swap sets the value of key and returns the one that it had; loaded says whether it was there.
func (m *RW[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	m.lock(key)
	defer m.mu.Unlock()
	previous, loaded = m.entries[key]
	m.put(key, value)
	return previous, loaded
}

// CompareAndSwap sets key to new if the map has it with the value old. Values of V must be
// comparable with ==; where they are not (a slice, say), the comparison panics, the map unchanged.
func (m *RW[K, V]) CompareAndSwap(key K, old, new V) (swapped bool) {
	m.lock(key)
	defer m.mu.Unlock()
	current, ok := m.entries[key]
	if !ok || any(current) != any(old) {
		return false
	}
	m.entries[key] = new
	return true
}

// CompareAndDelete removes key if the map has it with the value old. As for CompareAndSwap, values
// must be comparable with ==.
func (m *RW[K, V]) CompareAndDelete(key K, old V) (deleted bool) {
	m.lock(key)
	defer m.mu.Unlock()
	current, ok := m.entries[key]
	if !ok || any(current) != any(old) {
		return false
	}
	delete(m.entries, key)
	return true
}

// Compute replaces the entry of key by what f makes of it, atomically. f gets the value and whether
// it is there, and returns the new value and whether to keep the entry: with keep false the key is
// removed. Compute returns the entry as it is afterwards.
//
// f runs without a lock and may use the map. It runs again when another goroutine changed the entry
// in the meantime; if f changes the same key itself, the value that it returns wins.
func (m *RW[K, V]) Compute(key K, f func(old V, loaded bool) (new V, keep bool)) (actual V, ok bool) {
	// The first attempt notices any write to the map and costs nothing else.
	old, loaded, changes := m.observe(key)
	value, keep := f(old, loaded)
	if m.commitUnchanged(key, value, keep, changes) {
		return entry(value, keep)
	}
	// Later ones watch the key alone.
	for attempt := 1; ; attempt++ {
		flight := &flight[K]{key: key}
		if attempt >= supervisedAttempt {
			flight.owner = goroutineID()
		}
		if value, keep, ok := m.attempt(flight, f); ok {
			return entry(value, keep)
		}
	}
}

// entry is what Compute returns for the outcome of its function.
func entry[V any](value V, keep bool) (V, bool) {
	if !keep {
		var none V
		return none, false
	}
	return value, true
}

func (m *RW[K, V]) observe(key K) (old V, loaded bool, changes uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	old, loaded = m.entries[key]
	return old, loaded, m.changes
}

func (m *RW[K, V]) commitUnchanged(key K, value V, keep bool, changes uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flights.waitForOthers(&m.mu, key)
	if m.changes != changes {
		return false
	}
	m.commit(key, value, keep)
	return true
}

// commit writes the outcome of a Compute; the write lock must be held since the last check that the
// entry is unchanged.
func (m *RW[K, V]) commit(key K, value V, keep bool) {
	m.flights.mark(key)
	m.changes++
	if keep {
		m.put(key, value)
	} else {
		delete(m.entries, key)
	}
}

// attempt runs f with the key watched, and commits if nobody else changed it.
func (m *RW[K, V]) attempt(watch *flight[K], f func(V, bool) (V, bool)) (value V, keep, ok bool) {
	m.mu.Lock()
	m.flights.enter(&m.mu, watch)
	old, loaded := m.entries[watch.key]
	m.mu.Unlock()
	landed := false
	defer func() {
		if !landed { // f panicked or called runtime.Goexit
			m.mu.Lock()
			m.flights.leave(watch)
			m.mu.Unlock()
		}
	}()
	value, keep = f(old, loaded)
	m.mu.Lock()
	defer m.mu.Unlock()
	if watch.owner == 0 {
		m.flights.waitForOthers(&m.mu, watch.key)
	}
	m.flights.leave(watch)
	landed = true
	if watch.changed {
		return value, keep, false
	}
	m.commit(watch.key, value, keep)
	return value, keep, true
}

// Update sets key to what f makes of its value, atomically, and returns the new value. f runs as in
// [RW.Compute].
func (m *RW[K, V]) Update(key K, f func(old V, loaded bool) V) V {
	value, _ := m.Compute(key, func(old V, loaded bool) (V, bool) { return f(old, loaded), true })
	return value
}

// Deferred captures the value of key now, for a deferred call that needs the value of this moment.
func (m *RW[K, V]) Deferred(key K) Captured[V] {
	value, ok := m.Load(key)
	return Captured[V]{Value: value, OK: ok}
}

// Range calls f for each entry until f returns false. It works on a copy of the entries, taken when
// Range was called: f may use the map, and does not see what changes meanwhile. The order is random.
func (m *RW[K, V]) Range(f func(key K, value V) bool) {
	for _, e := range m.snapshot() {
		if !f(e.key, e.value) {
			return
		}
	}
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func (m *RW[K, V]) snapshot() []pair[K, V] {
	m.mu.RLock()
	defer m.mu.RUnlock()
	pairs := make([]pair[K, V], 0, len(m.entries))
	for key, value := range m.entries {
		pairs = append(pairs, pair[K, V]{key, value})
	}
	return pairs
}

// All returns an iterator over the entries as they are when a loop over it starts; see [RW.Range].
func (m *RW[K, V]) All() iter.Seq2[K, V] { return m.Range }

// Keys returns an iterator over the keys as they are when a loop over it starts.
func (m *RW[K, V]) Keys() iter.Seq[K] { return keys(m.All()) }

// Values returns an iterator over the values as they are when a loop over it starts.
func (m *RW[K, V]) Values() iter.Seq[V] { return values(m.All()) }

// Clone returns a new map with the entries of one moment.
func (m *RW[K, V]) Clone() *RW[K, V] { return &RW[K, V]{entries: m.Snapshot()} }

// Snapshot returns a plain map with the entries of one moment; it is never nil.
func (m *RW[K, V]) Snapshot() map[K]V {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.entries == nil {
		return make(map[K]V)
	}
	return maps.Clone(m.entries)
}

// Len returns the number of entries.
func (m *RW[K, V]) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.entries)
}

// Clear removes all entries.
func (m *RW[K, V]) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.flights.list != nil {
		m.flights.disturbAll()
	}
	m.changes++
	clear(m.entries)
}

// String formats the entries of one moment as fmt does a plain map.
func (m *RW[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }

// MarshalJSON writes the entries of one moment as encoding/json does a plain map.
func (m *RW[K, V]) MarshalJSON() ([]byte, error) { return marshal(m.Snapshot()) }

// UnmarshalJSON adds the entries of a JSON object, as encoding/json does with a plain map: keys that
// the text does not name stay, null empties the map. After an error the map is as it was.
func (m *RW[K, V]) UnmarshalJSON(text []byte) error { return unmarshal(text, m.Store, m.Clear) }
