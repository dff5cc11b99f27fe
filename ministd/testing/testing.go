package testing

type TB interface {
	Cleanup(func())
	Error(args ...any)
	Errorf(format string, args ...any)
	FailNow()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Helper()
	Log(args ...any)
	Logf(format string, args ...any)
	Name() string
	Skip(args ...any)
	TempDir() string
}

type T struct{ n int }

func (t *T) Cleanup(f func())
func (t *T) Error(args ...any)
func (t *T) Errorf(format string, args ...any)
func (t *T) FailNow()
func (t *T) Fatal(args ...any)
func (t *T) Fatalf(format string, args ...any)
func (t *T) Helper()
func (t *T) Log(args ...any)
func (t *T) Logf(format string, args ...any)
func (t *T) Name() string
func (t *T) Parallel()
func (t *T) Run(name string, f func(t *T)) bool
func (t *T) Skip(args ...any)
func (t *T) TempDir() string

type PB struct{ n int }

func (pb *PB) Next() bool

type B struct {
	N int
}

func (b *B) RunParallel(body func(*PB))
