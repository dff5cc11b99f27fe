package blackbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, config Config) string {
	t.Helper()
	config.Dir = t.TempDir()
	if err := StartConfig(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(Stop)
	return config.Dir
}

func panics(value any) (again any) {
	defer func() { again = recover() }()
	func() {
		defer Recover(context.Background())
		panic(value)
	}()
	return nil
}

func TestRecoverWritesABundleAndRaisesTheSameValue(t *testing.T) {
	dir := start(t, Config{})
	want := errors.New("one\ngoroutine 99 [running]:")
	if got := panics(want); got != want {
		t.Fatalf("raised %v again, want the same value", got)
	}
	names := bundles(dir)
	if len(names) != 1 || !strings.HasSuffix(names[0], "-panic") {
		t.Fatalf("bundles: %v", names)
	}
	dump, err := os.ReadFile(filepath.Join(dir, names[0], "dump.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"blackbox: recovered panic: one\n\tgoroutine 99 [running]:\n\ngoroutine ", "\npanic({", "blackbox.panics.func2"} {
		if !bytes.Contains(dump, []byte(part)) {
			t.Errorf("dump.txt has no %q:\n%s", part, dump)
		}
	}
	profile, err := os.ReadFile(filepath.Join(dir, names[0], "goroutine.pb.gz"))
	if err != nil || !bytes.HasPrefix(profile, []byte{0x1f, 0x8b}) {
		t.Errorf("goroutine.pb.gz: %v, %.4x", err, profile)
	}
	meta, _ := os.ReadFile(filepath.Join(dir, names[0], "meta.json"))
	if !bytes.Contains(meta, []byte(`"reason": "panic"`)) {
		t.Errorf("meta.json: %s", meta)
	}
	trace, err := os.ReadFile(filepath.Join(dir, names[0], "trace.out"))
	if current.recorder != nil && (err != nil || !bytes.HasPrefix(trace, []byte("go 1."))) {
		t.Errorf("trace.out: %v, %.16q", err, trace)
	}
}

func TestBadErrorMethod(t *testing.T) {
	start(t, Config{NoTrace: true})
	value := badError{}
	if got := panics(value); got != value {
		t.Fatalf("raised %T again", got)
	}
}

type badError struct{}

func (badError) Error() string { panic("inside") }

func TestWithoutStartOnlyThePanic(t *testing.T) {
	if got := panics("x"); got != "x" {
		t.Fatalf("raised %v again", got)
	}
	if _, err := Checkpoint("x"); err == nil {
		t.Fatal("a checkpoint without a recorder must be an error")
	}
}

func TestPanicsWithinTheIntervalMakeOneBundle(t *testing.T) {
	dir := start(t, Config{NoTrace: true})
	for range 5 {
		panics("x")
	}
	if names := bundles(dir); len(names) != 1 {
		t.Fatalf("bundles: %v", names)
	}
}

func TestRotationKeepsTheBudgetAndTheNewest(t *testing.T) {
	dir := start(t, Config{NoTrace: true, MaxBytes: 1})
	var last string
	for i := range 4 {
		path, err := Checkpoint(fmt.Sprint("n/", i))
		if err != nil {
			t.Fatal(err)
		}
		last = filepath.Base(path)
	}
	if names := bundles(dir); len(names) != 1 || names[0] != last {
		t.Fatalf("bundles: %v, want only %s", names, last)
	}
	if strings.ContainsAny(last, "/\\") {
		t.Fatalf("label in %s was not made safe", last)
	}
}

func TestRotationFillsTheBudgetAndNoMore(t *testing.T) {
	const budget = 32 << 10
	dir := start(t, Config{NoTrace: true, MaxBytes: budget})
	var last string
	for i := range 30 {
		path, err := Checkpoint(fmt.Sprint("n-", i))
		if err != nil {
			t.Fatal(err)
		}
		last = filepath.Base(path)
		var size int64
		for _, name := range bundles(dir) {
			files, err := os.ReadDir(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				info, err := file.Info()
				if err != nil {
					t.Fatal(err)
				}
				size += info.Size()
			}
		}
		if size > budget {
			t.Fatalf("%d bytes after checkpoint %d, the budget is %d", size, i, budget)
		}
	}
	names := bundles(dir)
	if len(names) < 2 || len(names) == 30 || names[len(names)-1] != last {
		t.Fatalf("bundles: %v, want some, the last of them %s", names, last)
	}
}

func TestHandler(t *testing.T) {
	dir := start(t, Config{NoTrace: true})
	server := httptest.NewServer(http.StripPrefix("/debug/blackbox", Handler()))
	defer server.Close()
	ask := func(method, path string) (int, string) {
		request, _ := http.NewRequest(method, server.URL+"/debug/blackbox"+path, nil)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(body)
	}
	code, name := ask("POST", "/checkpoint?label=before")
	name = strings.TrimSpace(name)
	if code != 200 || !strings.HasSuffix(name, "-checkpoint-before") {
		t.Fatalf("checkpoint: %d %q", code, name)
	}
	if _, list := ask("GET", "/"); strings.TrimSpace(list) != name {
		t.Fatalf("list: %q", list)
	}
	if code, dump := ask("GET", "/"+name+"/dump.txt"); code != 200 || !strings.HasPrefix(dump, "goroutine ") {
		t.Fatalf("dump: %d %q", code, dump)
	}
	os.WriteFile(filepath.Join(dir, "secret"), []byte("s"), 0o600)
	for _, path := range []string{"/../secret", "/%2e%2e/secret", "/" + name + "/..%2fsecret", "/" + name + "/other"} {
		if code, body := ask("GET", path); code == 200 && strings.TrimSpace(body) == "s" {
			t.Errorf("%s led out of the folder", path)
		}
	}
}

// A fatal error cannot be recovered; its dump becomes a bundle when the program starts again.
func TestFatalErrorLeavesItsDump(t *testing.T) {
	if dir := os.Getenv("BLACKBOX_TEST_DIR"); dir != "" {
		if err := Start(dir); err != nil {
			t.Fatal(err)
		}
		m := map[int]int{}
		for range 4 {
			go func() {
				for i := 0; ; i++ {
					m[i%8] = i
				}
			}()
		}
		time.Sleep(20 * time.Second)
		return
	}
	if runtime.NumCPU() < 2 {
		t.Skip("needs two processors to catch the map being written twice")
	}
	dir := t.TempDir()
	command := exec.Command(os.Args[0], "-test.run=^TestFatalErrorLeavesItsDump$")
	command.Env = append(os.Environ(), "BLACKBOX_TEST_DIR="+dir)
	output, err := command.CombinedOutput()
	if err == nil || !bytes.Contains(output, []byte("concurrent map")) {
		t.Skipf("the runtime did not notice the concurrent writes this time: %v", err)
	}
	if err := Start(dir); err != nil {
		t.Fatal(err)
	}
	defer Stop()
	names := bundles(dir)
	if len(names) != 1 || !strings.HasSuffix(names[0], "-crash") {
		t.Fatalf("bundles: %v", names)
	}
	dump, err := os.ReadFile(filepath.Join(dir, names[0], "dump.txt"))
	// The runtime writes the stacks to the crash output, but not the line "fatal error: …" (Go
	// 1.26.8): the frame that raised it tells.
	if err != nil || !bytes.Contains(dump, []byte("TestFatalErrorLeavesItsDump.func1()")) || !bytes.Contains(dump, []byte("[running]:")) {
		t.Fatalf("dump.txt: %v\n%s", err, dump)
	}
}

// BenchmarkRecover is what a function that does not panic pays.
func BenchmarkRecover(b *testing.B) {
	if err := StartConfig(Config{Dir: b.TempDir()}); err != nil {
		b.Fatal(err)
	}
	defer Stop()
	ctx := context.Background()
	for b.Loop() {
		func() { defer Recover(ctx) }()
	}
}
