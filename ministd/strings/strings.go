package strings

type Builder struct{ n int }

func (b *Builder) Len() int
func (b *Builder) Reset()
func (b *Builder) String() string
func (b *Builder) Write(p []byte) (int, error)
func (b *Builder) WriteByte(c byte) error
func (b *Builder) WriteString(s string) (int, error)

type Reader struct{ n int }

func NewReader(s string) *Reader
func (r *Reader) Read(b []byte) (n int, err error)

func Contains(s, substr string) bool
func Cut(s, sep string) (before, after string, found bool)
func EqualFold(s, t string) bool
func Fields(s string) []string
func HasPrefix(s, prefix string) bool
func HasSuffix(s, suffix string) bool
func Index(s, substr string) int
func Join(elems []string, sep string) string
func Map(mapping func(rune) rune, s string) string
func Repeat(s string, count int) string
func ReplaceAll(s, old, new string) string
func Split(s, sep string) []string
func ToLower(s string) string
func ToUpper(s string) string
func TrimPrefix(s, prefix string) string
func TrimSpace(s string) string
func TrimSuffix(s, suffix string) string
