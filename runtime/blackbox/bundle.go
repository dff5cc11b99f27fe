package blackbox

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	temporary = ".tmp-"
	crashFile = ".crash-"
)

// meta is meta.json.
type meta struct {
	Reason     string    `json:"reason"`
	Value      string    `json:"value,omitempty"`
	Label      string    `json:"label,omitempty"`
	Skipped    int       `json:"panics_without_bundle_before,omitempty"`
	Time       time.Time `json:"time"`
	PID        int       `json:"pid"`
	Go         string    `json:"go"`
	Goroutines int       `json:"goroutines"`
	Module     string    `json:"module,omitempty"`
	Revision   string    `json:"revision,omitempty"`
	Trace      string    `json:"trace,omitempty"` // why there is none
}

// write makes one bundle and returns its folder.
func (b *box) write(kind string, m meta, dump []byte) (string, error) {
	b.writing.Lock()
	defer b.writing.Unlock()
	m.Time, m.PID, m.Go, m.Goroutines = time.Now(), os.Getpid(), runtime.Version(), runtime.NumGoroutine()
	if info, ok := debug.ReadBuildInfo(); ok {
		m.Module = info.Main.Path
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				m.Revision = setting.Value
			}
		}
	}
	name := fmt.Sprintf("%s-%d-%s", m.Time.UTC().Format("20060102T150405.000000000Z"), m.PID, kind)
	under := filepath.Join(b.config.Dir, temporary+name)
	if err := os.Mkdir(under, 0o700); err != nil {
		return "", err
	}
	// What says most comes first: the program may be about to end.
	err := os.WriteFile(filepath.Join(under, "dump.txt"), dump, 0o600)
	if err == nil {
		err = writeFile(filepath.Join(under, "goroutine.pb.gz"), func(w io.Writer) error {
			return pprof.Lookup("goroutine").WriteTo(w, 0)
		})
	}
	if err == nil && m.Reason == "panic" {
		m.Trace = b.writeTrace(filepath.Join(under, "trace.out"))
	}
	if err == nil {
		var text []byte
		if text, err = json.MarshalIndent(m, "", "\t"); err == nil {
			err = os.WriteFile(filepath.Join(under, "meta.json"), append(text, '\n'), 0o600)
		}
	}
	final := filepath.Join(b.config.Dir, name)
	if err == nil {
		err = os.Rename(under, final)
	}
	if err != nil {
		os.RemoveAll(under)
		return "", err
	}
	rotate(b.config.Dir, b.config.MaxBytes)
	return final, nil
}

func (b *box) writeTrace(path string) string {
	if b.recorder == nil {
		return "the flight recorder is off, needs Go 1.25, or another one was running"
	}
	err := writeFile(path, func(w io.Writer) error {
		_, err := b.recorder.WriteTo(w)
		return err
	})
	if err != nil {
		os.Remove(path)
		return err.Error()
	}
	return ""
}

func writeFile(path string, fill func(io.Writer) error) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	return fill(file)
}

// rotate removes the oldest bundles until all fit into the budget. The newest one stays.
func rotate(dir string, budget int64) {
	names := bundles(dir)
	sizes := make([]int64, len(names))
	var total int64
	for i, name := range names {
		sizes[i] = size(filepath.Join(dir, name))
		total += sizes[i]
	}
	for i := 0; i+1 < len(names) && total > budget; i++ {
		if os.RemoveAll(filepath.Join(dir, names[i])) == nil {
			total -= sizes[i]
		}
	}
}

// bundles lists the complete bundles, oldest first: names start with the time.
func bundles(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() && len(name) > 16 && name[8] == 'T' && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

func size(dir string) int64 {
	entries, _ := os.ReadDir(dir)
	var total int64
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			total += info.Size()
		}
	}
	return total
}

// openCrashFile makes the file that the runtime prints to when it dies.
func openCrashFile(dir string) (*os.File, error) {
	name := fmt.Sprintf("%s%d-%d", crashFile, os.Getpid(), time.Now().UnixNano())
	return os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// adoptCrashes makes bundles of what earlier processes left when they died, and removes what is
// left of bundles that they did not finish.
func adoptCrashes(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, err := entry.Info()
		if err != nil {
			continue
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), temporary) && time.Since(info.ModTime()) > time.Minute {
			os.RemoveAll(path)
			continue
		}
		rest, ok := strings.CutPrefix(entry.Name(), crashFile)
		if !ok {
			continue
		}
		pid, _, _ := strings.Cut(rest, "-")
		number, err := strconv.Atoi(pid)
		if err != nil || alive(number) {
			continue
		}
		if info.Size() == 0 {
			os.Remove(path)
			continue
		}
		name := fmt.Sprintf("%s-%d-crash", info.ModTime().UTC().Format("20060102T150405.000000000Z"), number)
		under := filepath.Join(dir, temporary+name)
		if os.Mkdir(under, 0o700) != nil {
			continue
		}
		text, _ := json.MarshalIndent(meta{Reason: "crash", Time: info.ModTime(), PID: number}, "", "\t")
		if os.WriteFile(filepath.Join(under, "meta.json"), append(text, '\n'), 0o600) == nil &&
			os.Rename(path, filepath.Join(under, "dump.txt")) == nil {
			os.Rename(under, filepath.Join(dir, name))
		}
	}
}

// goroutineText is the text of all goroutines, the calling one first, or of this one only if there
// are more than most.
func goroutineText(most int) []byte {
	all := runtime.NumGoroutine() <= most
	buffer := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buffer, all)
		if n < len(buffer) {
			return buffer[:n]
		}
		if len(buffer) >= 64<<20 {
			return buffer
		}
		buffer = make([]byte, 4*len(buffer))
	}
}

// describe is the text of a panic value. Its Error or String method may panic itself.
func describe(value any) (text string) {
	defer func() {
		if again := recover(); again != nil {
			text = fmt.Sprintf("%T (its Error or String method panicked)", value)
		}
	}()
	switch v := value.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(value)
}

// indent puts a tab before each further line, as the runtime does, so that a value cannot pass for
// a stack.
func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n\t") }

// safeName makes a label fit for a file name.
func safeName(label string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, label)
	if len(name) > 64 {
		name = name[:64]
	}
	return name
}
