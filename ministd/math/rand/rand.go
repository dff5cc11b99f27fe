package rand

func Float64() float64
func Int() int
func Intn(n int) int
