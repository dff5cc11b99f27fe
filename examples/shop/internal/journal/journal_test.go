package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEntriesAreAppended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := Open(path)
	j.MustAppend(Entry{What: "opened"})
	if err := j.Append(Entry{What: "sold", Order: "1"}); err != nil {
		t.Fatal(err)
	}
	j.Outcome("place", "2", errors.New("no money"))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 3 || !strings.Contains(lines[2], "no money") {
		t.Errorf("got %q", lines)
	}
}

func TestAppendReportsItsError(t *testing.T) {
	j := Open(filepath.Join(t.TempDir(), "no", "such", "folder"))
	if err := j.Append(Entry{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
