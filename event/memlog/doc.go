// Package memlog is an event.Log in memory, for tests of whatever appends to
// or follows a log. It seals and forgets with real keys and stores the encoded
// form, so what passes through it is what passes through the log on disk.
//
// It starts no goroutine and waits on channels only, so it may be used inside
// a testing/synctest bubble.
package memlog
