package handlers

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/shop/internal/cache"
	"example.com/shop/internal/journal"
	"example.com/shop/internal/metrics"
	"example.com/shop/internal/orders"
	"example.com/shop/internal/store"
)

// free is Payments without money.
type free struct{}

func (free) Charge(context.Context, string, int64) error { return nil }
func (free) Refund(context.Context, string, int64) error { return nil }

func shop(t *testing.T) *httptest.Server {
	t.Helper()
	s := store.New(store.Product{ID: "tea", Name: "Tea", Cents: 450, Stock: 10})
	service := orders.NewService(s, free{}, journal.Open(filepath.Join(t.TempDir(), "journal")))
	server := httptest.NewServer(New(s, service, cache.New(time.Minute), metrics.New()).Routes())
	t.Cleanup(server.Close)
	return server
}

func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestTheShop(t *testing.T) {
	url := shop(t).URL
	for _, step := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/products", "", http.StatusOK, `"tea"`},
		{"GET", "/products", "", http.StatusOK, `"stock":10`},
		{"GET", "/products/tea", "", http.StatusOK, `"cents":450`},
		{"GET", "/products/beer", "", http.StatusNotFound, "unknown product"},
		{"POST", "/orders", `{"product": "tea", "count": 2}`, http.StatusCreated, `"cents":900`},
		{"POST", "/orders", `{}`, http.StatusBadRequest, "want"},
		{"GET", "/orders/1", "", http.StatusOK, `"count":2`},
		{"DELETE", "/orders/1", "", http.StatusNoContent, ""},
		{"GET", "/orders/1", "", http.StatusNotFound, "unknown order"},
		{"GET", "/metrics", "", http.StatusOK, `shop_requests_total{route="/products"} 2`},
	} {
		status, text := call(t, step.method, url+step.path, step.body)
		if status != step.status || !strings.Contains(text, step.want) {
			t.Errorf("%s %s: %d %q", step.method, step.path, status, text)
		}
	}
}

func TestAPanicIsAnswered(t *testing.T) {
	h := New(nil, nil, nil, nil)
	handler := h.checked(func(http.ResponseWriter, *http.Request) { panic("no") })
	recorder := httptest.NewRecorder()
	handler(recorder, httptest.NewRequest("GET", "/", nil))
	if recorder.Code != http.StatusInternalServerError {
		t.Errorf("got %d", recorder.Code)
	}
}
