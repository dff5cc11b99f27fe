// Reads the files named on standard input, parses those that go/parser accepts from memory a few
// times on one thread, and prints their number, bytes and the nanoseconds of CPU time of the best
// round: first with comments, then without, then with comments and object resolution.
package main

import (
	"bufio"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"runtime"
	"syscall"
)

func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func main() {
	runtime.GOMAXPROCS(1)
	var sources [][]byte
	bytes := 0
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		source, err := os.ReadFile(in.Text())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution); err == nil {
			sources = append(sources, source)
			bytes += len(source)
		}
	}
	fmt.Println(len(sources), bytes)
	for _, mode := range []parser.Mode{
		parser.ParseComments | parser.SkipObjectResolution,
		parser.SkipObjectResolution,
		parser.ParseComments,
	} {
		best := int64(0)
		for range 3 {
			runtime.GC()
			before := cpu()
			for _, source := range sources {
				if _, err := parser.ParseFile(token.NewFileSet(), "", source, mode); err != nil {
					panic(err)
				}
			}
			if spent := cpu() - before; best == 0 || spent < best {
				best = spent
			}
		}
		fmt.Println(best)
	}
}
