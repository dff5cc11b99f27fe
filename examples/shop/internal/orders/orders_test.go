package orders

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"example.com/shop/internal/journal"
	"example.com/shop/internal/store"
)

// bank is Payments that remembers the balance of each order.
type bank map[string]int64

func (b bank) Charge(_ context.Context, order string, cents int64) error {
	b[order] += cents
	return nil
}

func (b bank) Refund(_ context.Context, order string, cents int64) error {
	b[order] -= cents
	return nil
}

func service(t *testing.T) (*Service, *store.Store, bank) {
	t.Helper()
	s := store.New(store.Product{ID: "tea", Name: "Tea", Cents: 450, Stock: 10})
	b := bank{}
	return NewService(s, b, journal.Open(filepath.Join(t.TempDir(), "journal"))), s, b
}

func TestPlaceChangeCancel(t *testing.T) {
	ctx := context.Background()
	orders, s, b := service(t)
	order, err := orders.Place(ctx, "tea", 2)
	if err != nil {
		t.Fatal(err)
	}
	if order.Cents != 900 || b[order.ID] != 900 || s.Stock("tea") != 8 {
		t.Errorf("got %+v, bank %v, stock %d", order, b, s.Stock("tea"))
	}
	if err := orders.Change(ctx, order.ID, 3); err != nil {
		t.Fatal(err)
	}
	if b[order.ID] != 1350 || s.Stock("tea") != 7 {
		t.Errorf("bank %v, stock %d", b, s.Stock("tea"))
	}
	if err := orders.Pay(ctx, order.ID); err != nil {
		t.Fatal(err)
	}
	if err := orders.Cancel(ctx, order.ID); err != nil {
		t.Fatal(err)
	}
	if s.Stock("tea") != 10 {
		t.Errorf("stock %d", s.Stock("tea"))
	}
	if _, err := orders.Find(order.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	if err := orders.WriteOff(order.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestBalances(t *testing.T) {
	var balances Balances
	balances.Add(Order{Product: "tea", Cents: 450})
	balances.Add(Order{Product: "tea", Cents: 450})
	if balances.Total("tea") != 900 || NewLedger().Total("lost") != 0 {
		t.Error("wrong totals")
	}
}
