package methods

type Inner struct{ Field, shadowed int }

func (Inner) Value()      {}
func (*Inner) Pointer()   {}
func (Inner) unexported() {}

type Middle struct {
	Inner
	shadowed string
}

func (*Middle) Own() {}

type ByPointer struct{ *Middle }

type Left struct{ Inner }
type Right struct{ Inner }
type Ambiguous struct {
	Left
	Right
}
type Resolved struct {
	Ambiguous
	Inner
}

type Recursive struct {
	*Recursive
	Inner
}

type Stringer interface{ String() string }
type Wrapper struct{ Stringer }
type PointerToStruct *Inner
type PointerToInterface = *Stringer

type Hidden struct {
	Inner
	Value int
}

//= lookup(Inner, Field): field Field int [0] false
//= lookup(Middle, Field): field Field int [0 0] false
//= lookup(Middle, shadowed): field shadowed string [1] false
//= lookup(Middle, Value): func (methods.Inner).Value() [0 0] false
//= lookup(Middle, Pointer): needs a pointer
//= lookup(*Middle, Pointer): func (*methods.Inner).Pointer() [0 1] true
//= lookup(ByPointer, Pointer): func (*methods.Inner).Pointer() [0 0 1] true
//= lookup(ByPointer, Own): func (*methods.Middle).Own() [0 0] true
//= lookup(Middle, unexported): func (methods.Inner).unexported() [0 2] false
//= lookup(Ambiguous, Field): ambiguous [0 0 0]
//= lookup(Ambiguous, Value): ambiguous [0 0 0]
//= lookup(Resolved, Value): func (methods.Inner).Value() [1 0] false
//= lookup(Recursive, Value): func (methods.Inner).Value() [1 0] false
//= lookup(Recursive, Missing): none
//= lookup(Wrapper, String): func (methods.Stringer).String() string [0 0] false
//= lookup(*Wrapper, String): func (methods.Stringer).String() string [0 0] true
//= lookup(PointerToStruct, Field): field Field int [0] true
//= lookup(PointerToStruct, Value): none
//= lookup(PointerToInterface, String): none
//= lookup(Hidden, Value): field Value int [1] false
//= lookup(Inner, _): none

//= methods(Inner): Value [0] false, methods.unexported [2] false
//= methods(*Inner): Pointer [1] true, Value [0] true, methods.unexported [2] true
//= methods(Middle): Value [0 0] false, methods.unexported [0 2] false
//= methods(*Middle): Own [0] true, Pointer [0 1] true, Value [0 0] true, methods.unexported [0 2] true
//= methods(ByPointer): Own [0 0] true, Pointer [0 0 1] true, Value [0 0 0] true, methods.unexported [0 0 2] true
//= methods(Ambiguous): none
//= methods(Resolved): Value [1 0] false, methods.unexported [1 2] false
//= methods(Wrapper): String [0 0] true
//= methods(Stringer): String [0] true
//= methods(PointerToStruct): none
//= methods(PointerToInterface): none
//= methods(Hidden): methods.unexported [0 2] false

type Valuer interface{ Value() }
type Pointerer interface{ Pointer() }
type WrongSignature interface{ Value() int }

//= implements(Inner, Valuer): true
//= implements(Inner, Pointerer): false
//= implements(*Inner, Pointerer): true
//= implements(Hidden, Valuer): false
//= implements(Ambiguous, Valuer): false
//= implements(Inner, WrongSignature): false
//= implements(Wrapper, Stringer): true
//= implements(Stringer, Valuer): false
//= assertable(Stringer, Wrapper): true
//= assertable(Stringer, Inner): false
//= assertable(Valuer, Stringer): true
