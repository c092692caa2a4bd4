package memlog

// SetDown makes appends wait, as they do while a log has no leader, until it
// is called with false. Reads and tails go on.
func (l *Log) SetDown(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	l.wake()
}

// LoseAnswers makes the next n appends that are stored fail with
// event.ErrUnavailable, as when an answer is lost and the caller has no time
// left to ask again.
func (l *Log) LoseAnswers(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = n
}
