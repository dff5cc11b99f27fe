package safemap_test

import (
	"encoding/json"
	"maps"
	"testing"
)

// FuzzOperations runs the same operations on the three maps and on a plain one: two bytes a step,
// the operation and the key.
func FuzzOperations(f *testing.F) {
	f.Add([]byte("\x00a\x01a\x02b\x03a\x04c\x05a\x06a\x07b\x08a\x09b\x0aa\x0ba\x0ca\x0da\x0ea"))
	every := make([]byte, 0, 2*15*20)
	for i := range 15 * 20 {
		every = append(every, byte(i*11), byte(i*i%7))
	}
	f.Add(every)
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 4096 {
			return
		}
		for _, k := range kinds[string, int]() {
			m, plain := k.zero(), map[string]int{}
			for i := 0; i+1 < len(program); i += 2 {
				step(t, k, &m, &plain, program[i], string(program[i+1]%16+'a'), i)
			}
			if got := m.Snapshot(); !maps.Equal(got, plain) {
				t.Fatalf("%s: got %v, want %v", k.name, got, plain)
			}
		}
	})
}

func step(t *testing.T, k kind[string, int], m *shared[string, int], plain *map[string]int, operation byte, key string, i int) {
	old, had := (*plain)[key]
	expect := func(what string, value int, ok bool, wantValue int, wantOK bool) {
		t.Helper()
		if value != wantValue || ok != wantOK {
			t.Fatalf("%s step %d %s(%q): got %v %v, want %v %v", k.name, i, what, key, value, ok, wantValue, wantOK)
		}
	}
	switch operation % 15 {
	case 0, 1:
		(*m).Store(key, i)
		(*plain)[key] = i
	case 2:
		v, ok := (*m).Load(key)
		expect("Load", v, ok, old, had)
	case 3:
		v, ok := (*m).LoadOrStore(key, i)
		if !had {
			(*plain)[key] = i
		}
		expect("LoadOrStore", v, ok, (*plain)[key], had)
	case 4:
		v, ok := (*m).LoadAndDelete(key)
		delete(*plain, key)
		expect("LoadAndDelete", v, ok, old, had)
	case 5:
		(*m).Delete(key)
		delete(*plain, key)
	case 6:
		v, ok := (*m).Swap(key, i)
		(*plain)[key] = i
		expect("Swap", v, ok, old, had)
	case 7:
		ok := (*m).CompareAndSwap(key, old+i%2, i)
		if had && i%2 == 0 {
			(*plain)[key] = i
		}
		expect("CompareAndSwap", 0, ok, 0, had && i%2 == 0)
	case 8:
		ok := (*m).CompareAndDelete(key, old)
		delete(*plain, key)
		expect("CompareAndDelete", 0, ok, 0, had)
	case 9, 10:
		keep := operation%2 == 0
		v, ok := (*m).Compute(key, func(value int, loaded bool) (int, bool) {
			expect("Compute's function", value, loaded, old, had)
			return value + 1, keep
		})
		if keep {
			(*plain)[key] = old + 1
		} else {
			delete(*plain, key)
		}
		expect("Compute", v, ok, (*plain)[key], keep)
	case 11:
		v := (*m).Update(key, func(value int, _ bool) int { return value * 3 })
		(*plain)[key] = old * 3
		expect("Update", v, true, old*3, true)
	case 12:
		*m = k.clone(*m)
		expect("Len", (*m).Len(), true, len(*plain), true)
	case 13:
		text, err := json.Marshal(*m)
		want, _ := json.Marshal(*plain)
		if err != nil || string(text) != string(want) {
			t.Fatalf("%s: JSON %s, want %s (%v)", k.name, text, want, err)
		}
		*m = k.zero()
		if err := json.Unmarshal(text, *m); err != nil {
			t.Fatal(err)
		}
	case 14:
		if i%16 == 0 {
			(*m).Clear()
			clear(*plain)
		}
	}
}
