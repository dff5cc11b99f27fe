//go:build !unix

package main

import "time"

var began = time.Now()

// processorTime falls back on wall time where the system has no getrusage.
func processorTime() int64 { return int64(time.Since(began)) }
