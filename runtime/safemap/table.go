package safemap

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// A shard is a hash table of linked lists that is read without a lock and written with one.
//
// Readers follow atomic pointers: table, bucket, node after node. Writers hold the lock, link new
// nodes in at the head of their list and unlink deleted ones, whose own link stays, so that a reader
// who stands on one finds its way on. A value is replaced by one atomic store. A table that grows is copied, with new nodes: readers that still walk the old one see the entries of a
// moment within their call.

// node is one entry. hash and key never change.
type node[K comparable, V any] struct {
	hash  uint64
	key   K
	value cell[V]
	next  atomic.Pointer[node[K, V]]
}

func newNode[K comparable, V any](hash uint64, key K, value V, next *node[K, V]) *node[K, V] {
	n := &node[K, V]{hash: hash, key: key, value: cell[V]{first: value}}
	if next != nil {
		n.next.Store(next)
	}
	return n
}

// buckets are the heads of the lists; their number is a power of two.
type buckets[K comparable, V any] struct {
	heads []atomic.Pointer[node[K, V]]
	form  form // of the values
}

func (b *buckets[K, V]) of(hash uint64) *atomic.Pointer[node[K, V]] {
	return &b.heads[hash&uint64(len(b.heads)-1)]
}

const smallestTable = 8

type shardState[K comparable, V any] struct {
	mu      sync.Mutex
	table   atomic.Pointer[buckets[K, V]]
	count   int // guarded by mu
	flights flights[K]
}

type shard[K comparable, V any] struct {
	shardState[K, V]
	// Shards that share a cache line would slow each other down.
	_ [cacheLine - unsafe.Sizeof(shardState[int, int]{})%cacheLine]byte
}

const cacheLine = 64

// find returns the node of key, or nil, and the form of values. It needs no lock.
func (s *shard[K, V]) find(hash uint64, key K) (*node[K, V], form) {
	table := s.table.Load()
	if table == nil {
		return nil, pointed
	}
	for n := table.of(hash).Load(); n != nil; n = n.next.Load() {
		if n.hash == hash && n.key == key {
			return n, table.form
		}
	}
	return nil, table.form
}

// lock takes the lock for a write of key.
func (s *shard[K, V]) lock(key K) {
	s.mu.Lock()
	if s.flights.list != nil {
		s.flights.admit(&s.mu, key)
	}
}

// insert adds a key that is not there; the lock is held.
func (s *shard[K, V]) insert(hash uint64, key K, value V) {
	table := s.table.Load()
	if table == nil || s.count >= len(table.heads) {
		table = s.resize(table, s.count+1)
	}
	bucket := table.of(hash)
	bucket.Store(newNode(hash, key, value, bucket.Load()))
	s.count++
}

// take unlinks the node of key and returns its value, and whether there was one; the lock is held.
func (s *shard[K, V]) take(hash uint64, key K) (value V, ok bool) {
	table := s.table.Load()
	if table == nil {
		return value, false
	}
	link := table.of(hash)
	for n := link.Load(); n != nil; n = link.Load() {
		if n.hash == hash && n.key == key {
			link.Store(n.next.Load())
			s.count--
			if len(table.heads) > smallestTable && s.count < len(table.heads)/8 {
				s.resize(table, 2*s.count)
			}
			return n.value.load(table.form), true
		}
		link = &n.next
	}
	return value, false
}

// resize replaces the table by one with at least size buckets; the lock is held.
func (s *shard[K, V]) resize(old *buckets[K, V], size int) *buckets[K, V] {
	length := smallestTable
	for length < size {
		length *= 2
	}
	table := &buckets[K, V]{heads: make([]atomic.Pointer[node[K, V]], length)}
	if old == nil {
		table.form = formOf[V]()
	} else {
		table.form = old.form
		for i := range old.heads {
			for n := old.heads[i].Load(); n != nil; n = n.next.Load() {
				bucket := table.of(n.hash)
				bucket.Store(newNode(n.hash, n.key, n.value.load(old.form), bucket.Load()))
			}
		}
	}
	s.table.Store(table)
	return table
}

// each calls f for the entries without a lock until f returns false, and returns whether it never
// did.
func (s *shard[K, V]) each(f func(key K, value V) bool) bool {
	table := s.table.Load()
	if table == nil {
		return true
	}
	for i := range table.heads {
		for n := table.heads[i].Load(); n != nil; n = n.next.Load() {
			current := n
			if s.table.Load() != table {
				// The table was replaced: what this one says of the key may be out of date.
				if current, _ = s.find(n.hash, n.key); current == nil {
					continue
				}
			}
			if !f(current.key, current.value.load(table.form)) {
				return false
			}
		}
	}
	return true
}
