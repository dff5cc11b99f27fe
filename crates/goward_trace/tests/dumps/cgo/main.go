// Command cgo dies in C, and in Go that C called. The marks are those of ../chains.
package main

/*
#include <stdlib.h>
#include <signal.h>
static int crash(int *p) { return *p; }
static void die(void) { abort(); }
extern void goCallback(int);
static void back(int n) { goCallback(n); }
*/
import "C"
import (
	"os"
	"time"
)

//export goCallback
func goCallback(n C.int) {
	defer func() {
		if n == 2 {
			panic("second in callback") // :second
		}
	}()
	if n == 3 {
		var m map[int]int
		m[1] = 2 // :nilmap
	}
	panic("in callback") // :callback
}

// wants segv: SIGNAL SIGSEGV: segmentation violation
// wants abort: SIGNAL SIGABRT: abort
// wants back: in callback @callback; after C @after in @after
// wants back2: in callback @callback; second in callback @second in @second
// wants back3: assignment to entry in nil map @nilmap
func main() {
	go func() { select {} }()
	time.Sleep(time.Millisecond)
	switch os.Args[1] {
	case "segv":
		C.crash(nil)
	case "abort":
		C.die()
	case "back":
		defer func() { panic("after C") }() // :after
		C.back(1)
	case "back2":
		C.back(2)
	case "back3":
		C.back(3)
	}
}
