package layout

import "unsafe"

type Empty struct{}
type Padded struct {
	a bool
	b int64
	c bool
}
type TrailingEmpty struct {
	a int32
	b struct{}
}
type OnlyEmpty struct{ a, b struct{} }
type Mixed struct {
	s string
	i interface{}
	l []int
	m map[int]int
	f func()
	c complex64
	d complex128
	p *int
	u uintptr
	x unsafe.Pointer
	r rune
	b byte
}
type Array [3]Padded
type None [0]int64
type Huge [1 << 40][1 << 40]int64
type HugeField struct {
	a bool
	h [1 << 62]byte
	i [1 << 62]byte
	j int
}
type Small struct {
	a uint8
	b uint16
	c uint8
}

//= size(Empty): 0 1
//= size(Padded): 24 8
//= size(TrailingEmpty): 8 4
//= size(OnlyEmpty): 0 1
//= size(Mixed): 128 8
//= size(Array): 72 8
//= size(None): 0 8
//= size(Huge): -1 8
//= size(HugeField): -1 8
//= size(Small): 6 2
//= offsets(Padded): 0 8 16
//= offsets(Small): 0 2 4
//= offsets(Mixed): 0 16 32 56 64 72 80 96 104 112 120 124
//= offsets(HugeField): 0 1 4611686018427387905 -1
