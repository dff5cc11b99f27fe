// Package cache keeps rendered answers for a while.
package cache

import (
	"sync"
	"time"
)

type entry struct {
	value   []byte
	expires time.Time
}

// Cache is a cache by key. Its methods may be called from any goroutine.
type Cache struct {
	mu      sync.Mutex
	ttl     time.Duration
	entries map[string]entry
	hits    map[string]int
}

// New makes a cache whose entries live for ttl.
func New(ttl time.Duration) *Cache {
	return &Cache{
		ttl:     ttl,
		entries: make(map[string]entry),
		hits:    make(map[string]int),
	}
}

// Get returns the value of a key, if it is there and has not expired.
func (c *Cache) Get(key string) ([]byte, bool) {
	c.mu.Lock()
	// Deferred calls run last in, first out: the unlock below comes before this write.
	defer func() {
		c.hits[key]++ // want map-write-in-defer
	}()
	defer c.mu.Unlock()
	found, ok := c.entries[key]
	if !ok || time.Now().After(found.expires) {
		return nil, false
	}
	return found.value, true
}

// Take returns the value of a key and forgets it.
func (c *Cache) Take(key string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer delete(c.entries, key) // safe: registered after the unlock, so it runs before it
	found, ok := c.entries[key]
	return found.value, ok
}

// Put sets the value of a key.
func (c *Cache) Put(key string, value []byte) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.hits[key] = 0 // safe: the closure takes the lock itself
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = entry{value: value, expires: time.Now().Add(c.ttl)}
}

// Hits says how often a key was asked for.
func (c *Cache) Hits(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits[key]
}

// Close drops everything.
func (c *Cache) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	// The map is nil by the time this runs.
	defer func() {
		c.hits["close"]++ // want map-write-in-defer
	}()
	c.entries = nil
	c.hits = nil
}

// Expire drops what is too old and returns the keys.
func (c *Cache) Expire(now time.Time) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	expired := make(map[string]bool)
	defer func() {
		clear(expired) // safe: a local map that nobody else sees
	}()
	for key, entry := range c.entries {
		if now.After(entry.expires) {
			expired[key] = true
		}
	}
	keys := make([]string, 0, len(expired))
	for key := range expired {
		delete(c.entries, key)
		keys = append(keys, key)
	}
	return keys
}
