// Command mapbench measures maps that several goroutines share, and prints one JSON object a line.
//
// Every map runs the same steps in the same process, the maps in turn within each round, and of each
// the fastest round counts. Times are processor time (user and system) per operation, so that
// another program on the machine does not enter them; wall time stands beside.
//
// The other people's maps are behind the build tag "peers", so that the program also builds where
// they cannot be fetched.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// result is one line of the output.
type result struct {
	Map        string  `json:"map"`
	Mix        string  `json:"mix"`
	Loads      int     `json:"loads_percent"`
	Stores     int     `json:"stores_percent"`
	Deletes    int     `json:"deletes_percent"`
	Key        string  `json:"key"`
	Size       int     `json:"size"`
	Goroutines int     `json:"goroutines"`
	Operations int     `json:"operations"`
	Rounds     int     `json:"rounds"`
	CPU        float64 `json:"cpu_ns_per_operation"`
	Wall       float64 `json:"wall_ns_per_operation"`
}

// environment is the first line of the output.
type environment struct {
	Go         string   `json:"go"`
	OS         string   `json:"os"`
	Arch       string   `json:"arch"`
	Processors int      `json:"processors"`
	Maps       []string `json:"maps"`
	Cells      int      `json:"cells"`
}

func main() {
	sizes := flag.String("sizes", "100,10000,1000000", "numbers of entries")
	goroutines := flag.String("goroutines", "", "numbers of goroutines (default: 1, the processors, 8 times the processors)")
	keyTypes := flag.String("keys", "int,string", "key types")
	only := flag.String("mixes", "", "names of the mixes (default: all)")
	rounds := flag.Int("rounds", 5, "rounds, of which the fastest counts")
	operations := flag.Int("operations", 200000, "operations a round")
	flag.Parse()

	if *goroutines == "" {
		p := runtime.GOMAXPROCS(0)
		*goroutines = fmt.Sprint(1, ",", p, ",", 8*p)
		if p == 1 {
			*goroutines = "1,8"
		}
	}
	plan := plan{
		sizes:      numbers("sizes", *sizes),
		goroutines: numbers("goroutines", *goroutines),
		rounds:     atLeastOne("rounds", *rounds),
		operations: atLeastOne("operations", *operations),
	}
	for _, m := range mixes {
		if *only == "" || contains(*only, m.name) {
			plan.mixes = append(plan.mixes, m)
		}
	}
	if len(plan.mixes) == 0 {
		fail("no mix is called %q", *only)
	}
	keyNames := strings.Split(*keyTypes, ",")
	for _, name := range keyNames {
		if name != "int" && name != "string" {
			fail("-keys: %q is neither int nor string", name)
		}
	}
	out := json.NewEncoder(os.Stdout)
	emit := func(line any) {
		if err := out.Encode(line); err != nil {
			fail("cannot write the results: %v", err)
		}
	}
	emit(environment{
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Processors: runtime.GOMAXPROCS(0),
		Maps:  mapNames(),
		Cells: len(keyNames) * len(plan.mixes) * len(plan.sizes) * len(plan.goroutines),
	})
	for _, name := range keyNames {
		switch name {
		case "int":
			measure(plan, name, contenders[int](), func(i int) int { return i * 7919 }, emit)
		case "string":
			measure(plan, name, contenders[string](), func(i int) string { return "key-" + strconv.Itoa(i*7919) }, emit)
		}
	}
}

func numbers(name, list string) []int {
	var ns []int
	for _, field := range strings.Split(list, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > 10_000_000 {
			fail("-%s: %q is not a number from 1 to 10000000", name, field)
		}
		ns = append(ns, n)
	}
	return ns
}

func atLeastOne(name string, n int) int {
	if n < 1 {
		fail("-%s must be at least 1", name)
	}
	return n
}

func contains(list, name string) bool {
	for _, field := range strings.Split(list, ",") {
		if field == name {
			return true
		}
	}
	return false
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "mapbench: "+format+"\n", arguments...)
	os.Exit(2)
}
