// Shop serves a small shop over HTTP.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"example.com/shop/internal/cache"
	"example.com/shop/internal/config"
	"example.com/shop/internal/handlers"
	"example.com/shop/internal/journal"
	"example.com/shop/internal/metrics"
	"example.com/shop/internal/notify"
	"example.com/shop/internal/orders"
	"example.com/shop/internal/store"
)

func main() {
	settings := flag.String("settings", "", "a file with settings")
	address := flag.String("address", "", "where to listen, instead of the settings")
	flag.Parse()
	if err := run(*settings, *address); err != nil {
		log.Fatal(err)
	}
}

func run(settings, address string) error {
	cfg, err := config.Load(settings, os.Environ())
	if err != nil {
		return err
	}
	if address != "" {
		cfg.Address = address
	}
	products := store.New(
		store.Product{ID: "tea", Name: "Tea", Cents: 450, Stock: 100},
		store.Product{ID: "cup", Name: "Cup", Cents: 900, Stock: 20},
	)
	warehouse := &warehouse{address: os.Getenv("SHOP_WAREHOUSE"), notifier: notify.New(cfg.Timeout)}
	service := orders.NewService(products, warehouse, journal.Open("shop.journal"))
	answers := cache.New(time.Minute)
	defer answers.Close()
	shop := handlers.New(products, service, answers, metrics.New())
	server := &http.Server{
		Addr:              cfg.Address,
		Handler:           shop.Routes(),
		ReadHeaderTimeout: cfg.Timeout,
	}
	return serve(server)
}

// serve runs the server until it fails or the process is told to end.
func serve(server *http.Server) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	failed := make(chan error, 1)
	go func() {
		failed <- server.ListenAndServe() // safe: the buffer takes it after a signal
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("listen on %s: %w", server.Addr, err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// warehouse is told of every payment; the shop itself takes no money.
type warehouse struct {
	address  string
	notifier *notify.Notifier
}

func (w *warehouse) Charge(ctx context.Context, order string, cents int64) error {
	return w.tell(ctx, order, fmt.Sprintf("charged %d", cents))
}

func (w *warehouse) Refund(ctx context.Context, order string, cents int64) error {
	return w.tell(ctx, order, fmt.Sprintf("refunded %d", cents))
}

func (w *warehouse) tell(ctx context.Context, order, text string) error {
	if w.address == "" {
		return nil
	}
	return w.notifier.Deliver(ctx, w.address, notify.Message{Order: order, Text: text})
}
