// Package journal appends what happened to a file.
package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Entry is one thing that happened.
type Entry struct {
	Time   time.Time `json:"time"`
	What   string    `json:"what"`
	Order  string    `json:"order,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Journal is a file of entries, one a line.
type Journal struct {
	mu   sync.Mutex
	path string
}

// Open makes a journal in the file at path.
func Open(path string) *Journal {
	return &Journal{path: path}
}

// Append writes an entry.
func (j *Journal) Append(entry Entry) (err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	file, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, file.Close()) // safe: an error is added, nothing panics
	}()
	return json.NewEncoder(file).Encode(entry)
}

// MustAppend writes an entry that must not be lost, and panics if it cannot.
func (j *Journal) MustAppend(entry Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	file, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(fmt.Errorf("journal: %w", err)) // safe: no deferred call panics over it
	}
	defer func() {
		if err := file.Close(); err != nil {
			// When encoding has panicked, recover returns this panic and not that one.
			panic(fmt.Errorf("close the journal: %w", err)) // want deferred-panic-masks
		}
	}()
	if err := json.NewEncoder(file).Encode(entry); err != nil {
		panic(fmt.Errorf("write the journal: %w", err))
	}
}

// Outcome writes down how an operation on an order ended.
func (j *Journal) Outcome(what, order string, err error) {
	entry := Entry{Time: time.Now(), What: what, Order: order}
	if err != nil {
		entry.Reason = err.Error()
	}
	// The order is done whether or not it can be written down.
	_ = j.Append(entry)
}
