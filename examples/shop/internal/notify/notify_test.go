package notify

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func server(t *testing.T, status int) string {
	t.Helper()
	handler := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	s := httptest.NewServer(http.HandlerFunc(handler))
	t.Cleanup(s.Close)
	return s.URL
}

func TestDeliver(t *testing.T) {
	n := New(time.Second)
	good, bad := server(t, http.StatusOK), server(t, http.StatusTeapot)
	if err := n.Deliver(context.Background(), good, Message{Order: "1"}); err != nil {
		t.Error(err)
	}
	if err := n.DeliverSoon(context.Background(), bad, Message{Order: "1"}); err == nil {
		t.Error("no error")
	}
	if err := n.ConfirmBoth(good, bad, Message{}); err == nil {
		t.Error("no error")
	}
}

func TestBroadcast(t *testing.T) {
	n := New(time.Second)
	good, bad := server(t, http.StatusOK), server(t, http.StatusTeapot)
	if failures := n.Broadcast([]string{good, bad}, Message{}); len(failures) != 1 {
		t.Errorf("got %v", failures)
	}
	if results := n.BroadcastAll([]string{good, bad}, Message{}); len(results) != 2 {
		t.Errorf("got %v", results)
	}
	if reachable := n.Reachable([]string{good, bad}); !reachable[good] || reachable[bad] {
		t.Errorf("got %v", reachable)
	}
}
