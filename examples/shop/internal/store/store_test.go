package store

import (
	"errors"
	"testing"
)

func sample() *Store {
	return New(
		Product{ID: "tea", Name: "Tea", Cents: 450, Stock: 10},
		Product{ID: "cup", Name: "Cup", Cents: 900, Stock: 1},
	)
}

func TestReserveAndRelease(t *testing.T) {
	s := sample()
	if err := s.Reserve("tea", 4); err != nil {
		t.Fatal(err)
	}
	if err := s.Release("tea", 1); err != nil {
		t.Fatal(err)
	}
	if got := s.Stock("tea"); got != 7 {
		t.Errorf("stock is %d", got)
	}
	if err := s.Reserve("beer", 1); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	if err := s.Release("beer", 1); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestFindCounts(t *testing.T) {
	s := sample()
	for range 3 {
		if _, err := s.Find("cup"); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Popularity("cup"); got != 3 {
		t.Errorf("popularity is %d", got)
	}
	if _, err := s.Find("beer"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestListAndTotal(t *testing.T) {
	s := sample()
	list := s.List()
	if len(list) != 2 || list[0].ID != "cup" || list[1].ID != "tea" {
		t.Errorf("got %v", list)
	}
	if got := s.Total(); got != 11 {
		t.Errorf("total is %d", got)
	}
	if !s.Available("tea", "cup") || s.Available("tea", "beer") {
		t.Error("wrong availability")
	}
}

func TestRenameIsWrittenDown(t *testing.T) {
	s := sample()
	if err := s.Rename("tea", "Green tea"); err != nil {
		t.Fatal(err)
	}
	if err := s.Rename("beer", "Beer"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
	if history := s.History(); len(history) != 1 || history[0] != "renamed tea" {
		t.Errorf("got %v", history)
	}
}
