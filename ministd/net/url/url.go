package url

type Values map[string][]string

func (v Values) Add(key, value string)
func (v Values) Del(key string)
func (v Values) Get(key string) string
func (v Values) Set(key, value string)

type URL struct {
	Scheme, Host, Path, RawQuery string
}

func Parse(rawURL string) (*URL, error)
func (u *URL) Query() Values
func (u *URL) String() string
