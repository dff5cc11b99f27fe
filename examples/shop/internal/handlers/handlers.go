// Package handlers serves the shop over HTTP.
package handlers

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"sync"

	"example.com/shop/internal/cache"
	"example.com/shop/internal/metrics"
	"example.com/shop/internal/orders"
	"example.com/shop/internal/store"
)

// Handlers answers requests; net/http calls each method from many goroutines.
type Handlers struct {
	store   *store.Store
	orders  *orders.Service
	cache   *cache.Cache
	metrics *metrics.Metrics

	seen map[string]bool

	mu       sync.Mutex
	visitors map[string]int
}

// New wires the handlers.
func New(s *store.Store, o *orders.Service, c *cache.Cache, m *metrics.Metrics) *Handlers {
	return &Handlers{
		store:    s,
		orders:   o,
		cache:    c,
		metrics:  m,
		seen:     make(map[string]bool),
		visitors: make(map[string]int),
	}
}

// Routes returns the whole service.
func (h *Handlers) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products", h.guarded(h.products))
	mux.HandleFunc("GET /products/{id}", h.guarded(h.product))
	mux.HandleFunc("POST /orders", h.checked(h.placeOrder))
	mux.HandleFunc("GET /orders/{id}", h.checked(h.order))
	mux.HandleFunc("DELETE /orders/{id}", h.checked(h.cancelOrder))
	mux.HandleFunc("GET /metrics", h.checked(h.showMetrics))
	return mux
}

// guarded means to keep a panic from the client.
func (h *Handlers) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			report(r)
		}()
		next(w, r)
	}
}

// report is called by the deferred function; it is not deferred itself.
func report(r *http.Request) {
	if cause := recover(); cause != nil { // want recover-has-no-effect
		log.Printf("%s: %v", r.URL.Path, cause)
	}
}

// checked keeps a panic from the client.
func (h *Handlers) checked(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer h.answer(w, r)
		next(w, r)
	}
}

// answer is deferred itself.
func (h *Handlers) answer(w http.ResponseWriter, r *http.Request) {
	if cause := recover(); cause != nil { // safe: called directly by defer
		log.Printf("%s: %v", r.URL.Path, cause)
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}

func (h *Handlers) products(w http.ResponseWriter, r *http.Request) {
	h.visit(r.RemoteAddr)
	h.metrics.Track("/products", func() error {
		if text, ok := h.cache.Get("products"); ok {
			_, err := w.Write(text)
			return err
		}
		text, err := json.Marshal(h.store.List())
		if err != nil {
			return err
		}
		h.cache.Put("products", text)
		_, err = w.Write(text)
		return err
	})
}

func (h *Handlers) product(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	// Every request runs in a goroutine of its own.
	h.seen[id] = true // want map-race
	product, err := h.store.Find(id)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, product)
}

// visit counts a visitor.
func (h *Handlers) visit(address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.visitors[address]++ // safe: under the lock
}

func (h *Handlers) placeOrder(w http.ResponseWriter, r *http.Request) {
	fields := make(map[string]string)
	fields["method"] = r.Method // safe: a map of this request alone
	var request struct {
		Product string `json:"product"`
		Count   int    `json:"count"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Count < 1 {
		http.Error(w, "want {\"product\": ..., \"count\": ...}", http.StatusBadRequest)
		return
	}
	order, err := h.orders.Place(r.Context(), request.Product, request.Count)
	if err != nil {
		fail(w, err)
		return
	}
	fields["order"] = order.ID
	log.Printf("placed: %v", fields)
	reply(w, http.StatusCreated, order)
}

func (h *Handlers) order(w http.ResponseWriter, r *http.Request) {
	order, err := h.orders.Find(r.PathValue("id"))
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, order)
}

func (h *Handlers) cancelOrder(w http.ResponseWriter, r *http.Request) {
	if err := h.orders.Cancel(r.Context(), r.PathValue("id")); err != nil {
		fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *Handlers) showMetrics(w http.ResponseWriter, _ *http.Request) {
	if err := h.metrics.Write(w); err != nil {
		log.Printf("metrics: %v", err)
	}
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		log.Printf("reply: %v", err)
	}
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, store.ErrUnknown), errors.Is(err, orders.ErrUnknown):
		status = http.StatusNotFound
	case errors.Is(err, store.ErrOutOfStock):
		status = http.StatusConflict
	}
	http.Error(w, err.Error(), status)
}
