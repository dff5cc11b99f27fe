//go:build linux || darwin

// Package everything has each form of Go's syntax at least once. It is only parsed.
package everything

import (
	"fmt"
	. "math"
	_ "net/http/pprof"
	str "strings"
)

import "os"

/* A general comment
over two lines. */
const (
	zero = iota
	one
	_, two  = iota, 2 * iota
	typed   uint8 = 'x'
	decimal       = 1_000_000
	octal         = 0o17 + 017
	hex           = 0xBad_Face
	binary        = 0b1010_0101
	floating      = .5e-3 + 1e9 + 6.02E+23 + 0x1p-2 + 0X_1F.8p3 + 1.
	imaginary     = 2i + 0x1p2i + 08i + 1.5i
	runes         = 'a' + '\n' + '\'' + '\x41' + '\101' + '\u00e9' + '\U0001F600' + '世'
	texts         = "a\tb\"\\" + `raw
	"text" \n` + "" + "\xff\u4e16"
)

const single = len("x")

type (
	Alias          = map[string]int
	Vector[T any]  = []T
	Set[K comparable, V any] map[K]V
	Number interface {
		~int | ~int8 | uint
		float64 | ~string
	}
	Array    [3]int
	Constant [zero * 4]int
	Slice    []Array
	Grid     [two][...]int
	Ptr      *Array
	Pair[A, B any] struct {
		First  A
		Second B `json:"second,omitempty"`
	}
	List[T interface{ ~[]E }, E any] struct{ items T }
	Tree[P *T, T any]  struct{}
	Tree2[P *T,]       struct{}
	Tree3[P interface{ *int }] struct{}
	Tree4[P *struct{}] struct{}
	Func     func(int, ...string) (n int, err error)
	Chans    struct {
		both    chan int
		send    chan<- int
		receive <-chan int
		nested  chan<- <-chan (chan int)
	}
)

type Embedded struct {
	Array
	*Pair[int, string]
	fmt.Stringer
	*os.File `tag:"x"`
	Set[string, []int]
	a, b, _ int
	fixed [4]byte
	any     []interface{ comparable }
	f       func()
	nested  struct{ x, y int }
}

type Doer interface {
	fmt.Stringer
	Do(x int, options ...Option) error
	Both() (a, b int)
	Unnamed(int, string)
	Pair[int, string]
	interface{ Close() error }
}

var x, y = 1, 2
var (
	table = [...]struct{ name string; want []int }{
		{"a", []int{1, 2}},
		{name: "b", want: nil},
		0: {},
	}
	lookup = map[string]*Pair[int, bool]{"k": {1, true}, "l": &Pair[int, bool]{}}
	matrix = [][]float64{{1}, {2, 3}}
	fn     = func(a int) func() int { return func() int { return a } }
	uninitialised <-chan struct{}
)

func external(a, b int) (int, error)

func init() {}

func (p *Pair[A, _]) Method(a A) (first A, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	first = p.First
	return
}

func (Embedded) value() {}

func Map[T, U any, S ~[]T](s S, f func(T) U) []U {
	out := make([]U, 0, len(s))
	for _, v := range s {
		out = append(out, f(v))
	}
	return out
}

func statements(ch chan int, value any, m map[string]int, args ...int) (result int) {
	;
	var local, other int = 1, 2
	const c = iota
	type T struct{ Embedded }
	{
		local++
		other--
	}
	a, b := 1, 2
	a, b = b, a
	a += b
	a -= b
	a *= b
	a /= b
	a %= b
	a &= b
	a |= b
	a ^= b
	a <<= 1
	a >>= 1
	a &^= b
	ch <- a
	a = <-ch
	b, ok := <-ch
	go func() {}()
	go fn(1)
	if a > b && ok || !ok {
	} else if c := a; c == b {
	} else {
		goto end
	}
	if (T{}) == (T{Embedded{}}) {
	}
	if x := (struct{ a int }{1}); x.a == 1 {
	}
	if f := func() bool { return T{} == T{} }; f() {
	}
	for {
		break
	}
	for a < b {
		continue
	}
	for i := 0; i < 10; i++ {
	}
	for ; ; {
	}
	for i := range 10 {
		_ = i
	}
	for range ch {
	}
	for k, v := range m {
		_, _ = k, v
	}
	for m["x"] = range args {
	}
outer:
	for x := range func(yield func(int) bool) {} {
		switch {
		case x > 1, x < -1:
			continue outer
		default:
			break outer
		}
	}
	switch a := b; a {
	case 1:
		fallthrough
	case 2, 3:
	}
	switch x := 5; x := value.(type) {
	case nil:
	case int, *T:
		_ = x
	case []int, map[string]int, func(), chan int, interface{}, struct{}:
	default:
	}
	switch value.(type) {
	}
	select {
	case ch <- 1:
	case v := <-ch:
		_ = v
	case v, ok := <-ch:
		_, _ = v, ok
	case m["a"] = <-ch:
	case <-ch:
	default:
	}
	_ = args[1]
	_ = args[:]
	_ = args[1:]
	_ = args[:2]
	_ = args[1:2]
	_ = args[1:2:3]
	_ = args[:2:3]
	_ = value.(int)
	_ = (*T)(nil)
	_ = []byte("x")
	_ = (func())(nil)
	_ = (<-chan int)(ch)
	_ = <-chan int(ch)
	_ = chan<- int(ch)
	_ = interface{}(x)
	_ = map[string][]int{}["k"][0]
	_ = Map[int, string, []int]
	_ = Map[int](args, nil)
	_ = Pair[int, []string]{1, nil}.First
	_ = struct{}{}
	_ = -a + +b*^a&^b<<1>>2%3/4 | 5&6 ^ 7
	_ = a == b != ok && a <= b || a >= b
	_ = *&a
	_ = &T{}
	_ = new(a + 1)
	_ = fmt.Sprintln(args...)
	_ = f(1,
		2,
	)
	_ = str.NewReplacer("a", "b").Replace("c")
	_ = a. // a comment far from its operator
		b
	_ = a /* comment */ + /* comment */ b
	_ = [...]int{2: 1, 2}
	_ = [][2]int{{1, 2}, {3}}
	été, 世界, ñ2 := 1, 2, 3
	aVeryLongNameWithMoreThanSixteenBytes := exactly_16_bytes_
	return a
end:
}

type T4 = struct{ T5 }
