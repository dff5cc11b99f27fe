// Package checks holds the tests of the runtime module that need other people's modules.
package checks
