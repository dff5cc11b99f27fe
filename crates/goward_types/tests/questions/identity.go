package identity

import "unsafe"

type Int int
type Alias = int
type Bytes []byte
type Uint8s []uint8
type Func func(x int, more ...string) (n int, err error)
type Pair struct {
	A int `json:"a"`
	B string
}

var (
	anonymous struct{ a, b int }
	same      struct{ a, b int }
	tagged    struct {
		a, b int `tag:"x\ty"`
	}
	unnamed     func(int, ...string) (int, error)
	named       func(x int, more ...string) (n int, err error)
	plain       func(int, []string) (int, error)
	alias       map[Alias]byte
	noAlias     map[int]uint8
	runes       []rune
	send        chan<- int
	receive     <-chan int
	nested      chan (<-chan int)
	nestedSend  chan<- (chan int)
	reader      interface{ Read([]byte) (int, error) }
	readerAgain interface {
		Read(p []byte) (n int, err error)
	}
	readerWriter interface {
		Write([]byte) (int, error)
		Read([]byte) (int, error)
	}
	embedding interface {
		Reader
		Write([]byte) (int, error)
	}
	array       [4]int
	arrayLonger [5]int
	pointer     unsafe.Pointer
	everything  interface{}
	whatever    any
)

type Reader interface{ Read([]byte) (int, error) }

// Interfaces that are cyclic without a name are compared without end, if nobody takes care.
type CyclicA interface{ m() interface{ CyclicA } }
type CyclicB interface{ m() interface{ CyclicB } }

type Node struct {
	next  *Node
	value interface{ comparable() bool }
}

//= identical(anonymous, same): true
//= identical(anonymous, tagged): false
//= identical(unnamed, named): true
//= identical(unnamed, plain): false
//= identical(Func, named): false
//= identical(alias, noAlias): true
//= identical(Alias, Int): false
//= identical(Bytes, Uint8s): false
//= identical(send, receive): false
//= identical(reader, readerAgain): true
//= identical(reader, Reader): false
//= identical(readerWriter, embedding): true
//= identical(array, arrayLonger): false
//= identical(everything, whatever): true
//= identical(CyclicA, CyclicB): false

//= underlying(Int): int
//= underlying(Alias): int
//= underlying(Func): func(x int, more ...string) (n int, err error)
//= underlying(Pair): struct{A int "json:\"a\""; B string}
//= underlying(Node): struct{next *identity.Node; value interface{comparable() bool}}
//= underlying(CyclicA): interface{m() interface{identity.CyclicA}}

//= type(alias): map[identity.Alias]byte
//= type(noAlias): map[int]uint8
//= type(runes): []rune
//= type(nested): chan (<-chan int)
//= type(nestedSend): chan<- chan int
//= type(tagged): struct{a int "tag:\"x\\ty\""; b int "tag:\"x\\ty\""}
//= type(readerWriter): interface{Read([]byte) (int, error); Write([]byte) (int, error)}
//= type(embedding): interface{Write([]byte) (int, error); identity.Reader}
//= type(pointer): unsafe.Pointer
//= type(everything): interface{}
//= type(whatever): any

//= object(Int): type identity.Int int
//= object(Alias): type identity.Alias = int
//= object(Func): type identity.Func func(x int, more ...string) (n int, err error)
//= object(whatever): var identity.whatever any

//= comparable(Int): true
//= comparable(Bytes): false
//= comparable(Pair): true
//= comparable(Node): true
//= comparable(Func): false
//= comparable(alias): false
//= comparable(array): true
//= comparable(everything): true
