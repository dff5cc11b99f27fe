// Package orders takes orders: it reserves stock, charges the customer, writes the journal.
package orders

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"example.com/shop/internal/journal"
	"example.com/shop/internal/store"
)

// ErrUnknown is returned for an order that does not exist.
var ErrUnknown = errors.New("unknown order")

// Order is a placed order.
type Order struct {
	ID      string `json:"id"`
	Product string `json:"product"`
	Count   int    `json:"count"`
	Cents   int64  `json:"cents"`
}

// Payments takes money.
type Payments interface {
	Charge(ctx context.Context, order string, cents int64) error
	Refund(ctx context.Context, order string, cents int64) error
}

// Service takes orders. Its methods may be called from any goroutine.
type Service struct {
	store    *store.Store
	payments Payments
	journal  *journal.Journal
	ledger   *Ledger

	mu     sync.Mutex
	orders map[string]Order
	next   int
}

// NewService makes a service without orders.
func NewService(s *store.Store, payments Payments, j *journal.Journal) *Service {
	return &Service{
		store:    s,
		payments: payments,
		journal:  j,
		ledger:   NewLedger(),
		orders:   make(map[string]Order),
	}
}

// Place takes an order.
func (s *Service) Place(ctx context.Context, product string, count int) (Order, error) {
	found, err := s.store.Find(product)
	if err != nil {
		return Order{}, err
	}
	if err = s.store.Reserve(product, count); err != nil {
		return Order{}, err
	}
	defer func() {
		// Only the err of this function body is seen here, not the one that is returned below.
		if err != nil { // want defer-tests-wrong-error
			_ = s.store.Release(product, count)
		}
	}()
	order := s.number(Order{Product: product, Count: count, Cents: found.Cents * int64(count)})
	if err := s.payments.Charge(ctx, order.ID, order.Cents); err != nil {
		return Order{}, fmt.Errorf("charge: %w", err)
	}
	s.keep(order)
	return order, nil
}

// Change sets the count of an order.
func (s *Service) Change(ctx context.Context, id string, count int) (err error) {
	order, err := s.Find(id)
	if err != nil {
		return err
	}
	if err = s.store.Reserve(order.Product, count); err != nil {
		return err
	}
	defer func() {
		if err != nil { // safe: err is the result, so every return sets it
			_ = s.store.Release(order.Product, count)
		}
	}()
	cents := order.Cents / int64(order.Count) * int64(count)
	if err := s.payments.Charge(ctx, id, cents-order.Cents); err != nil {
		return fmt.Errorf("charge the difference: %w", err)
	}
	released := order.Count
	order.Count, order.Cents = count, cents
	s.keep(order)
	return s.store.Release(order.Product, released)
}

// Cancel gives an order back.
func (s *Service) Cancel(ctx context.Context, id string) error {
	var err error
	// The error is read here, before anything has happened: the journal always says that all went
	// well. The id is meant to be read here.
	defer s.journal.Outcome("cancel", id, err) // want stale-defer-argument
	order, err := s.Find(id)
	if err != nil {
		return err
	}
	if err = s.payments.Refund(ctx, id, order.Cents); err != nil {
		return fmt.Errorf("refund: %w", err)
	}
	if err = s.store.Release(order.Product, order.Count); err != nil {
		return err
	}
	s.forget(id)
	return nil
}

// Pay charges an order again.
func (s *Service) Pay(ctx context.Context, id string) (err error) {
	defer func() {
		s.journal.Outcome("pay", id, err) // safe: read when the closure runs
	}()
	order, err := s.Find(id)
	if err != nil {
		return err
	}
	return s.payments.Charge(ctx, id, order.Cents)
}

// WriteOff books an order as lost.
func (s *Service) WriteOff(id string) error {
	order, err := s.Find(id)
	if err != nil {
		return err
	}
	s.forget(id)
	s.ledger.Add("lost", order.Cents)
	return nil
}

// Find returns an order.
func (s *Service) Find(id string) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	order, ok := s.orders[id]
	if !ok {
		return Order{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	return order, nil
}

func (s *Service) number(order Order) Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	order.ID = strconv.Itoa(s.next)
	return order
}

func (s *Service) keep(order Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[order.ID] = order
}

func (s *Service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.orders, id)
}
