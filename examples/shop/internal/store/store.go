// Package store keeps the products and their stock in memory.
package store

import (
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
)

var (
	// ErrUnknown is returned for a product that is not sold here.
	ErrUnknown = errors.New("unknown product")
	// ErrOutOfStock is returned when there is less than asked for.
	ErrOutOfStock = errors.New("out of stock")
)

// Product is something to buy.
type Product struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Cents int64  `json:"cents"`
	Stock int    `json:"stock"`
}

// Store holds the products. Its methods may be called from any goroutine.
type Store struct {
	mu       sync.RWMutex
	products map[string]Product
	lookups  map[string]int
	history  []string
	reads    atomic.Int64
}

// New makes a store of these products.
func New(products ...Product) *Store {
	s := &Store{
		products: make(map[string]Product, len(products)),
		lookups:  make(map[string]int),
	}
	for _, product := range products {
		s.products[product.ID] = product // safe: nobody else has the store yet
	}
	return s
}

// List returns all products in the order of their ids.
func (s *Store) List() []Product {
	s.reads.Add(1) // safe: an atomic counter needs no lock
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]Product, 0, len(s.products))
	for _, product := range s.products {
		list = append(list, product)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// Find returns a product and counts how often it is asked for.
func (s *Store) Find(id string) (Product, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	// Readers share the lock, so two of them write the map at the same time.
	s.lookups[id]++ // want write-under-rlock
	product, ok := s.products[id]
	if !ok {
		return Product{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	return product, nil
}

// Popularity says how often a product was asked for.
func (s *Store) Popularity(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lookups[id]
}

// Reserve takes some of a product out of stock.
func (s *Store) Reserve(id string, count int) error {
	s.mu.Lock()
	product, ok := s.products[id]
	if !ok {
		s.mu.Unlock()
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	if product.Stock < count {
		return fmt.Errorf("%w: %s", ErrOutOfStock, id) // want unlock-missing-on-path
	}
	product.Stock -= count
	s.products[id] = product
	s.mu.Unlock()
	return nil
}

// Release puts some of a product back into stock.
func (s *Store) Release(id string, count int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	product, ok := s.products[id]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknown, id) // safe: the unlock is deferred
	}
	product.Stock += count
	s.products[id] = product
	return nil
}

// Restock sets the stock of a product and writes it down.
func (s *Store) Restock(id string, stock int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	product, ok := s.products[id]
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	product.Stock = stock
	s.products[id] = product
	// The mutex is held already, and a goroutine cannot lock it twice.
	s.note(fmt.Sprintf("restocked %s to %d", id, stock)) // want double-lock
	return nil
}

// Rename changes the name of a product and writes it down.
func (s *Store) Rename(id, name string) error {
	s.mu.Lock()
	product, ok := s.products[id]
	if ok {
		product.Name = name
		s.products[id] = product
	}
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	s.note("renamed " + id) // safe: the lock was given back above
	return nil
}

// History returns what was written down.
func (s *Store) History() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]string(nil), s.history...)
}

// note writes something down.
func (s *Store) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = append(s.history, text)
}

// Stock says how much of a product there is.
func (s *Store) Stock(id string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.stock(id)
}

// Available says whether there is at least one of each product.
func (s *Store) Available(ids ...string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range ids {
		// A writer that asks for the lock between the two read locks waits for the first, and the
		// second waits for the writer.
		if s.Stock(id) == 0 { // want rlock-reentry
			return false
		}
	}
	return true
}

// Total counts everything in stock.
func (s *Store) Total() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	total := 0
	for id := range s.products {
		total += s.stock(id) // safe: takes no lock itself
	}
	return total
}

// stock is Stock for callers that hold the lock.
func (s *Store) stock(id string) int {
	return s.products[id].Stock
}
