package os

type FileMode uint32

type File struct{ fd int }

var Args []string
var Stdin, Stdout, Stderr *File
var ErrNotExist error

func Create(name string) (*File, error)
func Exit(code int)
func Getenv(key string) string
func MkdirTemp(dir, pattern string) (string, error)
func Open(name string) (*File, error)
func OpenFile(name string, flag int, perm FileMode) (*File, error)
func ReadFile(name string) ([]byte, error)
func Remove(name string) error
func RemoveAll(path string) error
func Rename(oldpath, newpath string) error
func WriteFile(name string, data []byte, perm FileMode) error
func (f *File) Close() error
func (f *File) Name() string
func (f *File) Read(b []byte) (n int, err error)
func (f *File) Sync() error
func (f *File) Write(b []byte) (n int, err error)
func (f *File) WriteString(s string) (n int, err error)

type Signal interface {
	Signal()
	String() string
}
