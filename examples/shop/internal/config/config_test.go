package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.json")
	text := `{"address": "localhost:1", "features": {"express": true}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := Load(path, []string{"SHOP_LABEL_TEAM=checkout", "HOME=/"})
	if err != nil {
		t.Fatal(err)
	}
	if config.Address != "localhost:1" || config.Timeout != 2*time.Second {
		t.Errorf("got %+v", config)
	}
	if !config.Enabled("express") || config.Enabled("gifts") {
		t.Errorf("features: %v", config.Features)
	}
	if config.Labels["team"] != "checkout" {
		t.Errorf("labels: %v", config.Labels)
	}
}

func TestLoadReportsTheFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.json"), nil); !os.IsNotExist(unwrap(err)) {
		t.Errorf("got %v", err)
	}
}

func unwrap(err error) error {
	if wrapped, ok := err.(interface{ Unwrap() error }); ok {
		return wrapped.Unwrap()
	}
	return err
}
