//! How waits at channels end: channels with a buffer, sides that have agreed, and channels that are closed.

use crate::rule as named;
use crate::testing::check;

#[test]
fn sends_that_need_not_wait() {
    check(
        named("wait-with-lock-held").expect("the rule exists"),
        "package a
import (
	\"sync\"
	\"sync/atomic\"
)
type tokens struct {
	mu   sync.Mutex
	free chan struct{}
	n    int
}
func (t *tokens) limit(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = make(chan struct{}, n)
	for range n {
		t.free <- struct{}{}
	}
}
func (t *tokens) take() {
	t.mu.Lock()
	t.n++
	t.mu.Unlock()
	<-t.free
}

type pool struct {
	mu   sync.Mutex
	need int
	ids  chan int
}
func newPool() *pool { return &pool{ids: make(chan int)} }
func (p *pool) get() int {
	p.mu.Lock()
	p.need++
	p.mu.Unlock()
	return <-p.ids
}
func (p *pool) put(id int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.need > 0 {
		p.ids <- id
		p.need--
	}
}

type consumer struct {
	mu    sync.Mutex
	busy  atomic.Bool
	n     int
	again chan struct{}
}
func newConsumer() *consumer {
	c := &consumer{again: make(chan struct{})}
	go c.loop()
	return c
}
func (c *consumer) loop() {
	for range c.again {
		c.reset()
	}
}
func (c *consumer) reset() {
	defer c.busy.Store(false)
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
}
func (c *consumer) failed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy.Load() {
		c.busy.Store(true)
		c.again <- struct{}{}
	}
}

type mail struct {
	mu  sync.Mutex
	n   int
	box chan int
}
func newMail() *mail { return &mail{box: make(chan int)} }
func (m *mail) get() int {
	m.mu.Lock()
	m.n = 0
	m.mu.Unlock()
	return <-m.box
}
func (m *mail) put(v int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.box <- v // want wait-with-lock-held
}
",
    );
}

#[test]
fn who_takes_the_lock_to_be_counted_is_not_waited_for_yet() {
    check(
        named("wait-with-lock-held").expect("the rule exists"),
        "package a
import \"sync\"
type stream struct {
	mu sync.Mutex
	wg sync.WaitGroup
	n  int
}
func (s *stream) enter() {
	s.mu.Lock()
	s.wg.Add(1)
	s.mu.Unlock()
}
func (s *stream) monitor() {
	s.enter()
	defer s.wg.Done()
	println(s.n)
}
func (s *stream) Start() { go s.monitor() }
func (s *stream) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wg.Wait()
}

type other struct {
	mu sync.Mutex
	wg sync.WaitGroup
	n  int
}
func (s *other) monitor() {
	defer s.wg.Done()
	s.mu.Lock()
	s.n++
	s.mu.Unlock()
}
func (s *other) Start() { s.wg.Add(1); go s.monitor() }
func (s *other) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wg.Wait() // want wait-with-lock-held
}
",
    );
}

#[test]
fn a_deferred_close_makes_the_send_panic() {
    check(
        named("send-abandoned").expect("the rule exists"),
        "package a
import \"time\"
func closes(get func() int) int {
	ch := make(chan int)
	defer close(ch)
	go func() {
		ch <- get() // want \"panics when the function returns first\"
	}()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Second):
		return 0
	}
}
func leaves(get func() int) int {
	ch := make(chan int)
	go func() {
		ch <- get() // want \"blocks for ever\"
	}()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Second):
		return 0
	}
}
",
    );
}
