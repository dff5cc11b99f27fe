// Package notify tells customers and warehouses what happened, over HTTP.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Message is what is sent.
type Message struct {
	Order string `json:"order"`
	Text  string `json:"text"`
}

// Notifier posts messages.
type Notifier struct {
	client *http.Client
}

// New makes a notifier that waits no longer than timeout for one answer.
func New(timeout time.Duration) *Notifier {
	return &Notifier{client: &http.Client{Timeout: timeout}}
}

// Deliver sends a message and waits for the answer or for the end of ctx.
func (n *Notifier) Deliver(ctx context.Context, address string, message Message) error {
	done := make(chan error)
	go func() {
		// Nobody receives any more once ctx has ended: the goroutine waits for ever.
		done <- n.post(address, message) // want send-abandoned
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// DeliverSoon is Deliver with a limit of its own.
func (n *Notifier) DeliverSoon(ctx context.Context, address string, message Message) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- n.post(address, message) // safe: the buffer takes the answer
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Confirm sends a message to the customer and then to the archive, and returns as soon as the
// customer has it.
func (n *Notifier) Confirm(customer, archive string, message Message) error {
	results := make(chan error)
	go func() {
		// One receive for two sends: the second waits for ever.
		results <- n.post(customer, message)
		results <- n.post(archive, message) // want send-more-than-received
	}()
	return <-results
}

// ConfirmBoth sends a message to the customer and the archive and waits for both.
func (n *Notifier) ConfirmBoth(customer, archive string, message Message) error {
	results := make(chan error)
	go func() { results <- n.post(customer, message) }() // safe: as many receives as sends
	go func() { results <- n.post(archive, message) }()
	first, second := <-results, <-results
	if first != nil {
		return first
	}
	return second
}

// Broadcast sends a message to many addresses at once and returns those that failed.
func (n *Notifier) Broadcast(addresses []string, message Message) map[string]error {
	failures := make(map[string]error)
	var wg sync.WaitGroup
	for _, address := range addresses {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := n.post(address, message); err != nil {
				// Two failures at the same moment write the map at the same moment.
				failures[address] = err // want map-race
			}
		}()
	}
	wg.Wait()
	return failures
}

// BroadcastAll is Broadcast that returns an entry for each address.
func (n *Notifier) BroadcastAll(addresses []string, message Message) map[string]error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	results := make(map[string]error, len(addresses))
	for _, address := range addresses {
		wg.Add(1)
		go func() {
			defer wg.Done()
			err := n.post(address, message)
			mu.Lock()
			defer mu.Unlock()
			results[address] = err // safe: under the lock
		}()
	}
	wg.Wait()
	results[""] = nil // safe: every goroutine has ended
	delete(results, "")
	return results
}

// Reachable asks many addresses at once.
func (n *Notifier) Reachable(addresses []string) map[string]bool {
	answers := make([]bool, len(addresses))
	var wg sync.WaitGroup
	for i, address := range addresses {
		wg.Add(1)
		go func() {
			defer wg.Done()
			answers[i] = n.post(address, Message{}) == nil // safe: each has an element of its own
		}()
	}
	wg.Wait()
	reachable := make(map[string]bool, len(addresses))
	for i, address := range addresses {
		reachable[address] = answers[i]
	}
	return reachable
}

func (n *Notifier) post(address string, message Message) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	response, err := n.client.Post(address, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", address, response.Status)
	}
	return nil
}
