// Package metrics counts requests.
package metrics

import (
	"fmt"
	"io"
	"log"
	"sort"
	"sync"
)

// Metrics counts by route. Its methods may be called from any goroutine.
type Metrics struct {
	mu       sync.Mutex
	inflight map[string]int
	done     map[string]int
	failed   map[string]int
}

// New makes counters that stand at zero.
func New() *Metrics {
	return &Metrics{
		inflight: make(map[string]int),
		done:     make(map[string]int),
		failed:   make(map[string]int),
	}
}

// Track counts one request around next.
func (m *Metrics) Track(route string, next func() error) {
	m.begin(route)
	defer func() {
		// Other requests write the map while this one reads it without the lock.
		log.Printf("%s: %d in flight", route, m.inflight[route]) // want map-read-in-defer
	}()
	err := next()
	m.end(route, err)
}

// TrackQuietly is Track without the log.
func (m *Metrics) TrackQuietly(route string, next func() error) (inflight int) {
	m.begin(route)
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		inflight = m.inflight[route] // safe: read under the lock
	}()
	m.end(route, next())
	return 0
}

func (m *Metrics) begin(route string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inflight[route]++
}

func (m *Metrics) end(route string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inflight[route]--
	m.done[route]++
	if err != nil {
		m.failed[route]++
	}
}

// Done says how many requests of a route have ended.
func (m *Metrics) Done(route string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done[route]
}

// Failed says how many of them failed.
func (m *Metrics) Failed(route string) int {
	return m.failed[route] // nursery: guarded-field-without-lock-other
}

// Write prints the counters in the text format of Prometheus.
func (m *Metrics) Write(out io.Writer) error {
	for _, line := range m.lines() {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// lines copies what is printed, so that no lock is held while a slow client reads.
func (m *Metrics) lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := make([]string, 0, len(m.done))
	for route, count := range m.done { // safe: under the lock
		lines = append(lines, fmt.Sprintf("shop_requests_total{route=%q} %d", route, count))
	}
	sort.Strings(lines)
	return lines
}
