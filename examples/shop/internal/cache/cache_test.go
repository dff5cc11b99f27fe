package cache

import (
	"testing"
	"time"
)

func TestPutGetTake(t *testing.T) {
	c := New(time.Minute)
	c.Put("a", []byte("1"))
	if value, ok := c.Get("a"); !ok || string(value) != "1" {
		t.Errorf("got %q, %v", value, ok)
	}
	if _, ok := c.Get("b"); ok {
		t.Error("b is there")
	}
	if got := c.Hits("a"); got != 1 {
		t.Errorf("hits: %d", got)
	}
	if value, ok := c.Take("a"); !ok || string(value) != "1" {
		t.Errorf("got %q, %v", value, ok)
	}
	if _, ok := c.Take("a"); ok {
		t.Error("a is still there")
	}
}

func TestExpire(t *testing.T) {
	c := New(time.Minute)
	c.Put("a", nil)
	if keys := c.Expire(time.Now()); len(keys) != 0 {
		t.Errorf("expired %v", keys)
	}
	if keys := c.Expire(time.Now().Add(time.Hour)); len(keys) != 1 || keys[0] != "a" {
		t.Errorf("expired %v", keys)
	}
}
