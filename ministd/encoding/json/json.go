package json

import "io"

type Decoder struct{ n int }
type Encoder struct{ n int }

func Marshal(v any) ([]byte, error)
func NewDecoder(r io.Reader) *Decoder
func NewEncoder(w io.Writer) *Encoder
func Unmarshal(data []byte, v any) error
func (dec *Decoder) Decode(v any) error
func (enc *Encoder) Encode(v any) error
