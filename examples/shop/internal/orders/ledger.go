package orders

import "sync"

// Ledger sums amounts by account.
type Ledger struct {
	mu      sync.Mutex
	totals  map[string]int64
	entries int
}

// NewLedger makes an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{}
}

// Add books an amount.
func (l *Ledger) Add(account string, cents int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries++
	// No constructor makes the map.
	l.totals[account] += cents // want nil-map-write
}

// Total is the sum of an account.
func (l *Ledger) Total(account string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.totals[account] // safe: a nil map reads as empty
}

// Balances sums orders by product.
type Balances struct {
	totals map[string]int64
}

// Add books an order.
func (b *Balances) Add(order Order) {
	if b.totals == nil {
		b.totals = make(map[string]int64)
	}
	b.totals[order.Product] += order.Cents // safe: made on first use
}

// Total is the sum of a product.
func (b *Balances) Total(product string) int64 {
	return b.totals[product]
}
