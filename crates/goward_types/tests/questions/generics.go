package generics

type List[T any] struct {
	head, tail *Element[T]
	count      int
}
type Element[T any] struct {
	next  *Element[T]
	list  *List[T]
	Value T
}

func (l *List[T]) Push(value T) *Element[T]           { return nil }
func (l *List[Item]) Each(visit func(int, Item) bool) {}
func (e Element[_]) Len() int                         { return 0 }

type Number interface{ ~int | ~int64 | float64 }
type Key interface {
	comparable
	Hash() uint64
}
type Map[K comparable, V any] map[K]V
type Set[K comparable] = Map[K, struct{}]
type Pair[A, B any] struct {
	First  A
	Second B
}
type Swap[A, B any] = Pair[B, A]
type Tree[K interface{ Less(K) bool }] struct{ left, right *Tree[K] }
type Container[T any] interface {
	Get(int) T
	Put(T)
	Self() Container[T]
}
type Nested[T any] struct {
	Pair[T, []T]
	inner struct{ value T }
}
type Celsius float64
type ID int
type Shadow[int any] struct{ value int }

func (ID) Less(ID) bool { return false }
func (ID) Hash() uint64 { return 0 }

type Boxes struct{}

func (Boxes) Get(int) string          { return "" }
func (Boxes) Put(string)              {}
func (Boxes) Self() Container[string] { return nil }

func Map2[S ~[]E, E, R any](list S, f func(E) R) []R { return nil }

type (
	IntList    = List[int]
	IntListToo = List[int]
	AnyList    = List[any]
	ByteList   = List[byte]
	Strings    = Set[string]
	Swapped    = Swap[int, string]
	IDTree     = Tree[ID]
	StringBox  = Container[string]
	Deep       = Nested[ID]
	Shadowed   = Shadow[string]
)

type Looping = Pair[Looper, []ID]
type Looper interface{ Next(any) *Looping }

//= underlying(Looper): interface{Next(any) *generics.Looping}
//= underlying(Looping): struct{First generics.Looper; Second []generics.ID}
//= object(List): type generics.List[T any] struct{head *generics.Element[T]; tail *generics.Element[T]; count int}
//= object(Set): type generics.Set[K comparable] = generics.Map[K, struct{}]
//= object(Pair): type generics.Pair[A, B any] struct{First A; Second B}
//= object(Tree): type generics.Tree[K interface{Less(K) bool}] struct{left *generics.Tree[K]; right *generics.Tree[K]}
//= object(Map2): func generics.Map2[S ~[]E, E, R any](list S, f func(E) R) []R
//= object(Number): type generics.Number interface{~int | ~int64 | float64}
//= object(Shadow): type generics.Shadow[int/* type parameter */ any] struct{value int/* type parameter */}

//= underlying(IntList): struct{head *generics.Element[int]; tail *generics.Element[int]; count int}
//= underlying(AnyList): struct{head *generics.Element[any]; tail *generics.Element[any]; count int}
//= underlying(ByteList): struct{head *generics.Element[byte]; tail *generics.Element[byte]; count int}
//= underlying(Strings): map[string]struct{}
//= underlying(Swapped): struct{First string; Second int}
//= underlying(IDTree): struct{left *generics.Tree[generics.ID]; right *generics.Tree[generics.ID]}
//= underlying(StringBox): interface{Get(int) string; Put(string); Self() generics.Container[string]}
//= underlying(Deep): struct{generics.Pair[generics.ID, []generics.ID]; inner struct{value generics.ID}}
//= underlying(Shadowed): struct{value string}
//= type(Swapped): generics.Swapped

//= identical(IntList, IntListToo): true
//= identical(IntList, AnyList): false
//= identical(Strings, Strings): true

//= lookup(*IntList, Push): func (*generics.List[int]).Push(value int) *generics.Element[int] [0] true
//= lookup(*IntList, Each): func (*generics.List[int]).Each(visit func(int, int) bool) [1] true
//= lookup(IntList, Push): needs a pointer
//= lookup(Deep, First): field First generics.ID [0 0] false
//= lookup(Deep, Second): field Second []generics.ID [0 1] false
//= lookup(StringBox, Get): func (generics.Container[string]).Get(int) string [0] false
//= methods(*AnyList): Each [1] true, Push [0] true
//= methods(StringBox): Get [0] true, Put [1] true, Self [2] true

//= implements(Boxes, StringBox): true
//= implements(IDTree, StringBox): false
//= satisfies(ID, Number): true
//= satisfies(Celsius, Number): false
//= satisfies(ID, Key): true
//= satisfies(Boxes, Key): false
//= satisfies(AnyList, Number): false
//= comparable(IntList): true
//= comparable(Strings): false
