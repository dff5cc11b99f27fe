// An error that holds another one as text is not found by errors.Is. With the verb for wrapping it is,
// but not by a switch over its identity.
//
//lab:group panic and recover
package main

import (
	"context"
	"errors"
	"fmt"
)

func identity(err error) bool {
	switch err {
	case context.Canceled:
		return true
	}
	return false
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	text := fmt.Errorf("waiting: %v", ctx.Err())
	wrapped := fmt.Errorf("waiting: %w", ctx.Err())
	fmt.Println("text:", text, errors.Is(text, context.Canceled))
	fmt.Println("wrapped:", wrapped, errors.Is(wrapped, context.Canceled))
	fmt.Println("switch:", identity(ctx.Err()), identity(wrapped))
}
