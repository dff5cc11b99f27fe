package safemap

import (
	"fmt"
	"hash/maphash"
	"iter"
)

// shardCount is enough for the writers of a large machine to meet seldom; a power of two.
const shardCount = 64

// seed of all maps of the process, so that the zero value of a map needs no set-up.
var seed = maphash.MakeSeed()

// Sharded is a hash table that is read without a lock and whose writers share 64 locks. The zero
// value is an empty map, ready for use.
//
// It is the map for many goroutines. An empty one takes 4 KiB or more, and an entry takes more
// memory than in a plain map. A value that fills a machine word (a number of that size, a pointer, a
// map, a channel, a function) is changed in place; changing any other takes an allocation. Len, Clone and Clear take all the locks, one after the other.
type Sharded[K comparable, V any] struct {
	shards [shardCount]shard[K, V]
}

func (m *Sharded[K, V]) shard(key K) (s *shard[K, V], hash uint64) {
	hash = maphash.Comparable(seed, key)
	// The upper bits choose the shard, the lower ones the bucket.
	return &m.shards[hash>>(64-6)], hash
}

// Load returns the value of key, and whether the map has that key.
func (m *Sharded[K, V]) Load(key K) (value V, ok bool) {
	s, hash := m.shard(key)
	if n, form := s.find(hash, key); n != nil {
		return n.value.load(form), true
	}
	return value, false
}

// Store sets the value of key.
func (m *Sharded[K, V]) Store(key K, value V) {
	s, hash := m.shard(key)
	// Nothing below can panic: the key has been hashed.
	s.mu.Lock()
	// As in lock, spelt out: the call of a generic method is not inlined, and this one counts.
	if s.flights.list != nil {
		s.flights.admit(&s.mu, key)
	}
	if n, form := s.find(hash, key); n != nil {
		n.value.store(form, value)
	} else {
		s.insert(hash, key, value)
	}
	s.mu.Unlock()
}

// LoadOrStore returns the value of key if the map has it (loaded is true); otherwise it stores and
// returns the given value.
func (m *Sharded[K, V]) LoadOrStore(key K, value V) (actual V, loaded bool) {
	s, hash := m.shard(key)
	if n, form := s.find(hash, key); n != nil {
		return n.value.load(form), true
	}
	s.lock(key)
	defer s.mu.Unlock()
	if n, form := s.find(hash, key); n != nil {
		return n.value.load(form), true
	}
	s.insert(hash, key, value)
	return value, false
}

// LoadAndDelete removes key and returns the value that it had; loaded says whether it was there.
func (m *Sharded[K, V]) LoadAndDelete(key K) (value V, loaded bool) {
	s, hash := m.shard(key)
	s.lock(key)
	defer s.mu.Unlock()
	return s.take(hash, key)
}

// Delete removes key; it does nothing if the map does not have it.
func (m *Sharded[K, V]) Delete(key K) {
	s, hash := m.shard(key)
	s.mu.Lock()
	if s.flights.list != nil {
		s.flights.admit(&s.mu, key)
	}
	s.take(hash, key)
	s.mu.Unlock()
}

// Swap sets the value of key and returns the one that it had; loaded says whether it was there.
func (m *Sharded[K, V]) Swap(key K, value V) (previous V, loaded bool) {
	s, hash := m.shard(key)
	s.lock(key)
	defer s.mu.Unlock()
	n, form := s.find(hash, key)
	if n == nil {
		s.insert(hash, key, value)
		return previous, false
	}
	previous = n.value.load(form)
	n.value.store(form, value)
	return previous, true
}

// CompareAndSwap sets key to new if the map has it with the value old. Values of V must be
// comparable with ==; where they are not (a slice, say), the comparison panics, the map unchanged.
func (m *Sharded[K, V]) CompareAndSwap(key K, old, new V) (swapped bool) {
	s, hash := m.shard(key)
	s.lock(key)
	defer s.mu.Unlock()
	n, form := s.find(hash, key)
	if n == nil || any(n.value.load(form)) != any(old) {
		return false
	}
	n.value.store(form, new)
	return true
}

// CompareAndDelete removes key if the map has it with the value old. As for CompareAndSwap, values
// must be comparable with ==.
func (m *Sharded[K, V]) CompareAndDelete(key K, old V) (deleted bool) {
	s, hash := m.shard(key)
	s.lock(key)
	defer s.mu.Unlock()
	n, form := s.find(hash, key)
	if n == nil || any(n.value.load(form)) != any(old) {
		return false
	}
	s.take(hash, key)
	return true
}

// Compute replaces the entry of key by what f makes of it, atomically. f gets the value and whether
// it is there, and returns the new value and whether to keep the entry: with keep false the key is
// removed. Compute returns the entry as it is afterwards.
//
// f runs without a lock and may use the map. It runs again when another goroutine changed the entry
// in the meantime (unless it was changed back); if f changes the same key itself, the value that it returns wins.
func (m *Sharded[K, V]) Compute(key K, f func(old V, loaded bool) (new V, keep bool)) (actual V, ok bool) {
	s, hash := m.shard(key)
	for attempt := 0; attempt < supervisedAttempt; attempt++ {
		old, before := s.observe(hash, key)
		value, keep := f(old, before.loaded)
		if s.commitUnchanged(hash, key, before, value, keep) {
			return entry(value, keep)
		}
	}
	watch := &flight[K]{key: key, owner: goroutineID()}
	for {
		if value, keep, ok := s.attempt(hash, watch, f); ok {
			return entry(value, keep)
		}
	}
}

// observe returns the value of key and what stands for it.
func (s *shard[K, V]) observe(hash uint64, key K) (value V, v version) {
	n, form := s.find(hash, key)
	if n == nil {
		return value, v
	}
	return n.value.observe(form)
}

func (s *shard[K, V]) commitUnchanged(hash uint64, key K, before version, value V, keep bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flights.list != nil {
		s.flights.waitForOthers(&s.mu, key)
	}
	if _, now := s.observe(hash, key); now != before {
		return false
	}
	s.commit(hash, key, value, keep)
	return true
}

// commit writes the outcome of a Compute; the lock must be held since the last check that the entry
// is unchanged.
func (s *shard[K, V]) commit(hash uint64, key K, value V, keep bool) {
	s.flights.mark(key)
	n, form := s.find(hash, key)
	switch {
	case n != nil && keep:
		n.value.store(form, value)
	case n != nil:
		s.take(hash, key)
	case keep:
		s.insert(hash, key, value)
	}
}

// attempt runs f supervised, and commits if nobody else changed the entry.
func (s *shard[K, V]) attempt(hash uint64, watch *flight[K], f func(V, bool) (V, bool)) (value V, keep, ok bool) {
	s.mu.Lock()
	watch.changed = false
	s.flights.enter(&s.mu, watch)
	old, before := s.observe(hash, watch.key)
	s.mu.Unlock()
	landed := false
	defer func() {
		if !landed { // f panicked or called runtime.Goexit
			s.mu.Lock()
			s.flights.leave(watch)
			s.mu.Unlock()
		}
	}()
	value, keep = f(old, before.loaded)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flights.leave(watch)
	landed = true
	if watch.changed {
		return value, keep, false
	}
	s.commit(hash, watch.key, value, keep)
	return value, keep, true
}

// Update sets key to what f makes of its value, atomically, and returns the new value. f runs as in
// [Sharded.Compute].
func (m *Sharded[K, V]) Update(key K, f func(old V, loaded bool) V) V {
	value, _ := m.Compute(key, func(old V, loaded bool) (V, bool) { return f(old, loaded), true })
	return value
}

// Deferred captures the value of key now, for a deferred call that needs the value of this moment.
func (m *Sharded[K, V]) Deferred(key K) Captured[V] {
	value, ok := m.Load(key)
	return Captured[V]{Value: value, OK: ok}
}

// Range calls f for each entry until f returns false. No lock is held and no copy made: f may use
// the map. No key comes twice; an entry that changes meanwhile comes with its value of any moment
// of the call, or not at all if it is stored or deleted meanwhile. The order is random.
func (m *Sharded[K, V]) Range(f func(key K, value V) bool) {
	for i := range m.shards {
		if !m.shards[i].each(f) {
			return
		}
	}
}

// All returns an iterator over the entries; see [Sharded.Range].
func (m *Sharded[K, V]) All() iter.Seq2[K, V] { return m.Range }

// Keys returns an iterator over the keys; see [Sharded.Range].
func (m *Sharded[K, V]) Keys() iter.Seq[K] { return keys(m.All()) }

// Values returns an iterator over the values; see [Sharded.Range].
func (m *Sharded[K, V]) Values() iter.Seq[V] { return values(m.All()) }

// lockAll holds back all writers, so that the map stands still.
func (m *Sharded[K, V]) lockAll() (unlock func()) {
	for i := range m.shards {
		m.shards[i].mu.Lock()
	}
	return func() {
		for i := range m.shards {
			m.shards[i].mu.Unlock()
		}
	}
}

// Clone returns a new map with the entries of one moment.
func (m *Sharded[K, V]) Clone() *Sharded[K, V] {
	defer m.lockAll()()
	clone := new(Sharded[K, V])
	for i := range m.shards {
		from, to := &m.shards[i], &clone.shards[i]
		if table := from.table.Load(); table != nil {
			to.resize(table, from.count)
			to.count = from.count
		}
	}
	return clone
}

// Snapshot returns a plain map with the entries of one moment; it is never nil.
func (m *Sharded[K, V]) Snapshot() map[K]V {
	defer m.lockAll()()
	entries := make(map[K]V)
	m.Range(func(key K, value V) bool {
		entries[key] = value
		return true
	})
	return entries
}

// Len returns the number of entries; writes at the same time may be counted or not.
func (m *Sharded[K, V]) Len() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += s.count
		s.mu.Unlock()
	}
	return n
}

// Clear removes all entries.
func (m *Sharded[K, V]) Clear() {
	defer m.lockAll()()
	for i := range m.shards {
		s := &m.shards[i]
		s.flights.disturbAll()
		s.table.Store(nil)
		s.count = 0
	}
}

// String formats the entries of one moment as fmt does a plain map.
func (m *Sharded[K, V]) String() string { return fmt.Sprint(m.Snapshot()) }

// MarshalJSON writes the entries of one moment as encoding/json does a plain map.
func (m *Sharded[K, V]) MarshalJSON() ([]byte, error) { return marshal(m.Snapshot()) }

// UnmarshalJSON adds the entries of a JSON object, as encoding/json does with a plain map: keys that
// the text does not name stay, null empties the map. After an error the map is as it was.
func (m *Sharded[K, V]) UnmarshalJSON(text []byte) error { return unmarshal(text, m.Store, m.Clear) }
