package metrics

import (
	"errors"
	"strings"
	"testing"
)

func TestTrack(t *testing.T) {
	m := New()
	m.Track("/a", func() error { return nil })
	m.Track("/a", func() error { return errors.New("no") })
	if inflight := m.TrackQuietly("/b", func() error { return nil }); inflight != 0 {
		t.Errorf("%d in flight", inflight)
	}
	if m.Done("/a") != 2 || m.Failed("/a") != 1 {
		t.Errorf("done %d, failed %d", m.Done("/a"), m.Failed("/a"))
	}
	var text strings.Builder
	if err := m.Write(&text); err != nil {
		t.Fatal(err)
	}
	want := "shop_requests_total{route=\"/a\"} 2\nshop_requests_total{route=\"/b\"} 1\n"
	if text.String() != want {
		t.Errorf("got %q", text.String())
	}
}
