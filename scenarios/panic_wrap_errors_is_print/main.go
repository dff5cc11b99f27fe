// An error that nobody recovers is printed with the text of its Error method. What it wraps shows
// only if that text says so.
//
//lab:group panic and recover
package main

import (
	"fmt"
	"io"
)

func main() {
	panic(fmt.Errorf("outer: %w", io.EOF))
}
