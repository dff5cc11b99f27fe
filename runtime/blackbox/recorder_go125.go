//go:build go1.25

package blackbox

import (
	"io"
	"runtime/trace"
)

// recorder is the flight recorder, where Go has one.
type recorder interface {
	WriteTo(io.Writer) (int64, error)
	Stop()
}

func startRecorder(config Config) recorder {
	r := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: config.TraceAge, MaxBytes: config.TraceBytes})
	if r.Start() != nil {
		return nil
	}
	return r
}
