package contexts

type L[T any] struct{ f T }
type A[T any] = map[string]T
type Plain = L[func(plain int)]
type Func = func(int)

func F[T any](t T) T { return t }

var (
	first    L[func(x int)]
	second   L[func(int)]
	third    L[func(y int)]
	inferred = F(first)
	other    L[func(y int) int]
	bytes    L[[]byte]
	uint8s   L[[]uint8]
	named    L[Func]
	fields   L[struct{ F func(a int) }]
	again    L[struct{ F func(b int) }]
	abstract L[interface {
		B(b int)
		A(a int)
	}]
	sorted L[interface {
		A(int)
		B(int)
	}]
	alias       A[func(x int)]
	aliasSecond A[func(int)]
	function    = F[func(x int)]
	functionToo = F[func(y int)]
	literal     = F(func(z int) {})
	generic     L[L[func(q string)]]
	genericToo  L[L[func(string)]]
	anything    L[any]
	everything  L[interface{}]
)

//= type(first): contexts.L[func(plain int)]
//= type(second): contexts.L[func(plain int)]
//= type(third): contexts.L[func(plain int)]
//= type(inferred): contexts.L[func(plain int)]
//= type(other): contexts.L[func(y int) int]
//= type(bytes): contexts.L[[]byte]
//= type(uint8s): contexts.L[[]uint8]
//= type(named): contexts.L[contexts.Func]
//= type(again): contexts.L[struct{F func(a int)}]
//= type(sorted): contexts.L[interface{A(a int); B(b int)}]
//= type(aliasSecond): contexts.A[func(x int)]
//= type(function): func(t func(x int)) func(x int)
//= type(functionToo): func(t func(x int)) func(x int)
//= type(literal): func(x int)
//= type(genericToo): contexts.L[contexts.L[func(q string)]]
//= type(anything): contexts.L[any]
//= type(everything): contexts.L[interface{}]
//= identical(first, second): true
//= identical(anything, everything): true
//= identical(named, first): true
