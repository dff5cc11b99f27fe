package io

type Reader interface{ Read(p []byte) (n int, err error) }
type Writer interface{ Write(p []byte) (n int, err error) }
type Closer interface{ Close() error }
type ReadCloser interface {
	Reader
	Closer
}
type WriteCloser interface {
	Writer
	Closer
}
type ReadWriter interface {
	Reader
	Writer
}

var EOF error
var ErrUnexpectedEOF error
var Discard Writer

func Copy(dst Writer, src Reader) (written int64, err error)
func NopCloser(r Reader) ReadCloser
func Pipe() (*PipeReader, *PipeWriter)
func ReadAll(r Reader) ([]byte, error)
func WriteString(w Writer, s string) (n int, err error)

type PipeReader struct{ n int }

func (r *PipeReader) Close() error
func (r *PipeReader) Read(data []byte) (n int, err error)

type PipeWriter struct{ n int }

func (w *PipeWriter) Close() error
func (w *PipeWriter) CloseWithError(err error) error
func (w *PipeWriter) Write(data []byte) (n int, err error)
