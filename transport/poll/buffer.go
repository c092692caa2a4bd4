package poll

import "sync"

// bufferSize is a chunk of a feed with what TLS adds to it, also where it begins
// with small records.
const bufferSize = 17 << 10

// buffers are lent to lines while they are written to.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, bufferSize)
	return &b
}}

// borrow gives the line a buffer for what is to be sent; l.mu is held.
func (l *Line) borrow() {
	l.borrowed = buffers.Get().(*[]byte)
	l.pending = *l.borrowed
}

// giveBack returns it. What has not gone is kept in memory of its own size;
// l.mu is held.
func (l *Line) giveBack() {
	b := l.borrowed
	if b == nil {
		if len(l.pending) == 0 {
			l.pending = nil
		}
		return
	}
	l.borrowed = nil
	used := l.pending
	l.pending = nil
	if len(used) > 0 {
		l.pending = append(make([]byte, 0, len(used)), used...)
	}
	buffers.Put(b) // as it was lent: who needed more had it from elsewhere
}
