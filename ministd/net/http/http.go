package http

import (
	"context"
	"io"
	"net/url"
	"time"
)

const (
	StatusOK                  = 200
	StatusBadRequest          = 400
	StatusNotFound            = 404
	StatusInternalServerError = 500
	MethodGet                 = "GET"
	MethodHead                = "HEAD"
	MethodPost                = "POST"
)

type Header map[string][]string

func (h Header) Add(key, value string)
func (h Header) Clone() Header
func (h Header) Del(key string)
func (h Header) Get(key string) string
func (h Header) Set(key, value string)

type Handler interface {
	ServeHTTP(ResponseWriter, *Request)
}
type HandlerFunc func(ResponseWriter, *Request)

func (f HandlerFunc) ServeHTTP(w ResponseWriter, r *Request)

type ResponseWriter interface {
	Header() Header
	Write([]byte) (int, error)
	WriteHeader(statusCode int)
}
type Flusher interface{ Flush() }

type Request struct {
	Method string
	URL    *url.URL
	Header Header
	Body   io.ReadCloser
	Form   url.Values
}

func NewRequest(method, url string, body io.Reader) (*Request, error)
func NewRequestWithContext(ctx context.Context, method, url string, body io.Reader) (*Request, error)
func (r *Request) Context() context.Context
func (r *Request) FormValue(key string) string
func (r *Request) ParseForm() error
func (r *Request) PathValue(name string) string
func (r *Request) WithContext(ctx context.Context) *Request

type Response struct {
	StatusCode int
	Header     Header
	Body       io.ReadCloser
}

type Client struct{ Timeout time.Duration }

var DefaultClient *Client

func (c *Client) Do(req *Request) (*Response, error)
func (c *Client) Get(url string) (resp *Response, err error)
func Get(url string) (resp *Response, err error)

type ServeMux struct{ n int }

var DefaultServeMux *ServeMux

func NewServeMux() *ServeMux
func (mux *ServeMux) Handle(pattern string, handler Handler)
func (mux *ServeMux) HandleFunc(pattern string, handler func(ResponseWriter, *Request))
func (mux *ServeMux) ServeHTTP(w ResponseWriter, r *Request)

type Server struct {
	Addr    string
	Handler Handler
}

func (s *Server) Close() error
func (s *Server) ListenAndServe() error
func (s *Server) Shutdown(ctx context.Context) error

var ErrServerClosed error

func Error(w ResponseWriter, error string, code int)
func Handle(pattern string, handler Handler)
func HandleFunc(pattern string, handler func(ResponseWriter, *Request))
func ListenAndServe(addr string, handler Handler) error
func NotFound(w ResponseWriter, r *Request)
func Redirect(w ResponseWriter, r *Request, url string, code int)
