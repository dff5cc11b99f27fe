// Package config reads the settings of the service from a file and from the environment.
package config

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// Config is what an operator can set.
type Config struct {
	Address  string            `json:"address"`
	Timeout  time.Duration     `json:"timeout"`
	Features map[string]bool   `json:"features"`
	Labels   map[string]string `json:"labels"`
}

// Load reads the file at path, if there is one, and then the environment.
func Load(path string, environment []string) (*Config, error) {
	config := &Config{Address: ":8080", Timeout: 2 * time.Second}
	if path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the settings: %w", err)
		}
		if err := json.Unmarshal(data, config); err != nil {
			return nil, fmt.Errorf("parse %s: %w", path, err)
		}
	}
	for name, on := range features(environment) {
		if config.Features == nil {
			config.Features = make(map[string]bool)
		}
		config.Features[name] = on // safe: made above when the file had none
	}
	config.Labels = labels(environment)
	return config, nil
}

// Enabled says whether a feature is on.
func (c *Config) Enabled(feature string) bool {
	return c.Features[feature] // safe: a nil map reads as empty
}

// features collects SHOP_FEATURE_NAME=on and =off.
func features(environment []string) map[string]bool {
	var found map[string]bool
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		if name, ok := strings.CutPrefix(name, "SHOP_FEATURE_"); ok {
			// Nothing has made the map: the first variable that is set panics.
			found[strings.ToLower(name)] = value == "on" // want nil-map-write
		}
	}
	return found
}

// labels collects SHOP_LABEL_NAME=value.
func labels(environment []string) map[string]string {
	var found map[string]string
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		name, ok := strings.CutPrefix(name, "SHOP_LABEL_")
		if !ok {
			continue
		}
		if found == nil {
			found = make(map[string]string)
		}
		found[strings.ToLower(name)] = value // safe: made on first use
	}
	return found
}
