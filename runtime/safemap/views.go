package safemap

import (
	"bytes"
	"encoding/json"
	"iter"
)

// Captured is a value that a map had when Deferred was called. The arguments and the receiver of a
// deferred call are evaluated at the defer statement, so
//
//	defer connections.Deferred(id).Do(func(c *Conn, ok bool) { … })
//
// uses the value of that line, whatever happens to the map later.
type Captured[V any] struct {
	Value V    // the value, or the zero value
	OK    bool // whether the map had the key
}

// Get returns the captured value and whether the map had the key.
func (c Captured[V]) Get() (value V, ok bool) { return c.Value, c.OK }

// Do calls f with the captured value and whether the map had the key. A nil f does nothing.
func (c Captured[V]) Do(f func(value V, ok bool)) {
	if f != nil {
		f(c.Value, c.OK)
	}
}

func keys[K comparable, V any](all iter.Seq2[K, V]) iter.Seq[K] {
	return func(yield func(K) bool) {
		all(func(key K, _ V) bool { return yield(key) })
	}
}

func values[K comparable, V any](all iter.Seq2[K, V]) iter.Seq[V] {
	return func(yield func(V) bool) {
		all(func(_ K, value V) bool { return yield(value) })
	}
}

func marshal[K comparable, V any](entries map[K]V) ([]byte, error) { return json.Marshal(entries) }

// unmarshal decodes the whole text before it touches the map.
func unmarshal[K comparable, V any](text []byte, store func(K, V), clear func()) error {
	if bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
		clear()
		return nil
	}
	var entries map[K]V
	if err := json.Unmarshal(text, &entries); err != nil {
		return err
	}
	for key, value := range entries {
		store(key, value)
	}
	return nil
}
