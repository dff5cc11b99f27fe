package main

import (
	"sync"

	"goward.dev/runtime/safemap"
)

func mapNames() []string {
	var names []string
	for _, c := range contenders[int]() {
		names = append(names, c.name)
	}
	return names
}

func contenders[K comparable]() []contender[K] {
	return append([]contender[K]{
		{"map+RWMutex", func() worker[K] { return &byHand[K]{entries: make(map[K]int)} }},
		{"sync.Map", func() worker[K] { return new(plainSync[K]) }},
		{"safemap.RW", func() worker[K] { return new(rw[K]) }},
		{"safemap.Sync", func() worker[K] { return new(typedSync[K]) }},
		{"safemap.Sharded", func() worker[K] { return new(sharded[K]) }},
	}, peers[K]()...)
}

// byHand is what most programs have: a map, a lock, and methods that defer the unlock.
type byHand[K comparable] struct {
	mu      sync.RWMutex
	entries map[K]int
}

func (m *byHand[K]) load(key K) (int, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	value, ok := m.entries[key]
	return value, ok
}

func (m *byHand[K]) store(key K, value int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[key] = value
}

func (m *byHand[K]) remove(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
}

func (m *byHand[K]) work(steps []step, keys []K) (found int) {
	for i, s := range steps {
		key := keys[s&^stepKind]
		switch s & stepKind {
		case stepLoad:
			if _, ok := m.load(key); ok {
				found++
			}
		case stepStore:
			m.store(key, i)
		case stepDelete:
			m.remove(key)
		}
	}
	return found
}

// plainSync is sync.Map as it is used without a wrapper: the value asserted after each load.
type plainSync[K comparable] struct{ entries sync.Map }

func (m *plainSync[K]) work(steps []step, keys []K) (found int) {
	for i, s := range steps {
		key := keys[s&^stepKind]
		switch s & stepKind {
		case stepLoad:
			if value, ok := m.entries.Load(key); ok {
				if value.(int) >= 0 {
					found++
				}
			}
		case stepStore:
			m.entries.Store(key, i)
		case stepDelete:
			m.entries.Delete(key)
		}
	}
	return found
}

type rw[K comparable] struct{ entries safemap.RW[K, int] }

func (m *rw[K]) work(steps []step, keys []K) (found int) {
	for i, s := range steps {
		key := keys[s&^stepKind]
		switch s & stepKind {
		case stepLoad:
			if _, ok := m.entries.Load(key); ok {
				found++
			}
		case stepStore:
			m.entries.Store(key, i)
		case stepDelete:
			m.entries.Delete(key)
		}
	}
	return found
}

type typedSync[K comparable] struct{ entries safemap.Sync[K, int] }

func (m *typedSync[K]) work(steps []step, keys []K) (found int) {
	for i, s := range steps {
		key := keys[s&^stepKind]
		switch s & stepKind {
		case stepLoad:
			if _, ok := m.entries.Load(key); ok {
				found++
			}
		case stepStore:
			m.entries.Store(key, i)
		case stepDelete:
			m.entries.Delete(key)
		}
	}
	return found
}

type sharded[K comparable] struct{ entries safemap.Sharded[K, int] }

func (m *sharded[K]) work(steps []step, keys []K) (found int) {
	for i, s := range steps {
		key := keys[s&^stepKind]
		switch s & stepKind {
		case stepLoad:
			if _, ok := m.entries.Load(key); ok {
				found++
			}
		case stepStore:
			m.entries.Store(key, i)
		case stepDelete:
			m.entries.Delete(key)
		}
	}
	return found
}
