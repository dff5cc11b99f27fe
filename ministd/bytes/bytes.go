package bytes

type Buffer struct{ n int }

func NewBuffer(buf []byte) *Buffer
func NewBufferString(s string) *Buffer
func NewReader(b []byte) *Reader
func (b *Buffer) Bytes() []byte
func (b *Buffer) Len() int
func (b *Buffer) Read(p []byte) (n int, err error)
func (b *Buffer) Reset()
func (b *Buffer) String() string
func (b *Buffer) Write(p []byte) (n int, err error)
func (b *Buffer) WriteString(s string) (n int, err error)

type Reader struct{ n int }

func (r *Reader) Read(b []byte) (n int, err error)
