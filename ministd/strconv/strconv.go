package strconv

func Atoi(s string) (int, error)
func FormatInt(i int64, base int) string
func Itoa(i int) string
func ParseInt(s string, base int, bitSize int) (i int64, err error)
func Quote(s string) string
