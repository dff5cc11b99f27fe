//go:build unix

package blackbox

import (
	"syscall"
	"testing"
	"time"
)

func processorTime() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkIdle is the share of one processor that the recorder takes while the program does
// nothing, in percent; run it with -benchtime=1x.
func BenchmarkIdle(b *testing.B) {
	if err := StartConfig(Config{Dir: b.TempDir()}); err != nil {
		b.Fatal(err)
	}
	defer Stop()
	const span = 5 * time.Second
	for b.Loop() {
		before := processorTime()
		time.Sleep(span)
		b.ReportMetric(100*float64(processorTime()-before)/float64(span), "%cpu")
	}
}
