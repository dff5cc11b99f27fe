//go:build peers

package main

import (
	cmap "github.com/orcaman/concurrent-map/v2"
	"github.com/puzpuzpuz/xsync/v4"
)

func peers[K comparable]() []contender[K] {
	return []contender[K]{
		{"xsync.Map", func() worker[K] { return &xsyncMap[K]{xsync.NewMap[K, int]()} }},
		{"orcaman/concurrent-map", func() worker[K] {
			// For strings it has its own hash; for other keys the user has to bring one.
			var none K
			switch any(none).(type) {
			case string:
				return any(&orcaman[string]{cmap.New[int]()}).(worker[K])
			default:
				return any(&orcaman[int]{cmap.NewWithCustomShardingFunction[int, int](func(key int) uint32 {
					return uint32((uint64(key) * 0x9E3779B97F4A7C15) >> 32)
				})}).(worker[K])
			}
		}},
	}
}

type xsyncMap[K comparable] struct{ entries *xsync.Map[K, int] }

func (m *xsyncMap[K]) work(steps []step, keys []K) (found int) {
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

type orcaman[K comparable] struct{ entries cmap.ConcurrentMap[K, int] }

func (m *orcaman[K]) work(steps []step, keys []K) (found int) {
	for i, s := range steps {
		key := keys[s&^stepKind]
		switch s & stepKind {
		case stepLoad:
			if _, ok := m.entries.Get(key); ok {
				found++
			}
		case stepStore:
			m.entries.Set(key, i)
		case stepDelete:
			m.entries.Remove(key)
		}
	}
	return found
}
