package safemap

import (
	"reflect"
	"sync/atomic"
	"unsafe"
)

// How the value of a node is changed while others read it.
//
// In general by a pointer to the new value, which takes an allocation. A value that is a number as
// large as a machine word, or one pointer, is changed in place instead, by the processor's own
// atomic load and store: half of what a write costs. Package unsafe says so to the compiler: the
// memory is that of the value, aligned for it, and is never touched in another way once others can
// see the node.

// form tells how values of a map are kept. It is found out once for each table, by reflection: the
// zero value of a map needs no set-up, and generic code cannot ask for it at compile time.
type form uint8

const (
	// pointed: a changed value lies elsewhere.
	pointed form = iota
	// number: a word without a pointer.
	number
	// reference: one pointer.
	reference
)

const word = unsafe.Sizeof(uintptr(0))

// formOf tells how values of type V are kept.
func formOf[V any]() form {
	switch t := reflect.TypeFor[V](); t.Kind() {
	case reflect.Pointer, reflect.UnsafePointer, reflect.Map, reflect.Chan, reflect.Func:
		return reference
	case reflect.Int, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uintptr, reflect.Float64,
		reflect.Int32, reflect.Uint32, reflect.Float32:
		if t.Size() == word && uintptr(t.Align()) == word {
			return number
		}
	}
	return pointed
}

// cell is a value that is written under a lock and read without one.
type cell[V any] struct {
	// first is the value: of a number or reference always, otherwise until it is changed for the first
	// time; later is nil until then. So a new entry takes one allocation, and no atomic store before
	// others can see it.
	first V
	later atomic.Pointer[V]
}

func (c *cell[V]) load(f form) V {
	switch f {
	case number:
		n := atomic.LoadUintptr((*uintptr)(unsafe.Pointer(&c.first)))
		return *(*V)(unsafe.Pointer(&n))
	case reference:
		p := atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&c.first)))
		return *(*V)(unsafe.Pointer(&p))
	}
	if later := c.later.Load(); later != nil {
		return *later
	}
	return c.first
}

func (c *cell[V]) store(f form, value V) {
	switch f {
	case number:
		atomic.StoreUintptr((*uintptr)(unsafe.Pointer(&c.first)), *(*uintptr)(unsafe.Pointer(&value)))
	case reference:
		atomic.StorePointer((*unsafe.Pointer)(unsafe.Pointer(&c.first)), *(*unsafe.Pointer)(unsafe.Pointer(&value)))
	default:
		changed := value // a variable of its own, so that the other forms do not put value on the heap
		c.later.Store(&changed)
	}
}

// version stands for what a key had at one moment: a write of it, or its very value where values are
// words. Versions that are equal with == have the same value.
type version struct {
	loaded  bool
	number  uintptr
	pointer unsafe.Pointer
}

// observe returns the value and what stands for it.
func (c *cell[V]) observe(f form) (value V, v version) {
	v.loaded = true
	switch f {
	case number:
		v.number = atomic.LoadUintptr((*uintptr)(unsafe.Pointer(&c.first)))
		return *(*V)(unsafe.Pointer(&v.number)), v
	case reference:
		v.pointer = atomic.LoadPointer((*unsafe.Pointer)(unsafe.Pointer(&c.first)))
		return *(*V)(unsafe.Pointer(&v.pointer)), v
	}
	stored := c.later.Load()
	if stored == nil {
		stored = &c.first
	}
	v.pointer = unsafe.Pointer(stored)
	return *stored, v
}
