//go:build !unix

package blackbox

import "os"

// alive reports whether a process of this number runs.
func alive(pid int) bool {
	if pid == os.Getpid() {
		return true
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	process.Release()
	return true
}
