package time

type Duration int64

const (
	Nanosecond  Duration = 1
	Microsecond          = 1000 * Nanosecond
	Millisecond          = 1000 * Microsecond
	Second               = 1000 * Millisecond
	Minute               = 60 * Second
	Hour                 = 60 * Minute
)

func (d Duration) Seconds() float64
func (d Duration) String() string

type Time struct{ wall uint64 }

func Now() Time
func Since(t Time) Duration
func Sleep(d Duration)
func Until(t Time) Duration
func After(d Duration) <-chan Time
func Tick(d Duration) <-chan Time
func AfterFunc(d Duration, f func()) *Timer
func Unix(sec int64, nsec int64) Time
func (t Time) Add(d Duration) Time
func (t Time) After(u Time) bool
func (t Time) Before(u Time) bool
func (t Time) Format(layout string) string
func (t Time) IsZero() bool
func (t Time) Sub(u Time) Duration
func (t Time) Unix() int64

type Timer struct{ C <-chan Time }

func NewTimer(d Duration) *Timer
func (t *Timer) Reset(d Duration) bool
func (t *Timer) Stop() bool

type Ticker struct{ C <-chan Time }

func NewTicker(d Duration) *Ticker
func (t *Ticker) Reset(d Duration)
func (t *Ticker) Stop()
