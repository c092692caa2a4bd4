// Package streams is the event.Log on an embedded NATS JetStream, and what
// else of a hub must survive a power cut: timers, customers' keys and the
// checkpoints of the fold.
//
// A Node runs nats-server inside the process. Alone it opens no socket and
// keeps one copy of everything; in a cluster three nodes keep three. Every
// write is on disk before it is answered (SyncAlways).
//
// One stream LOG holds the events, subject log.<kind>.<id>. Each write is
// guarded by the sequence its own subject was at, never by a wildcard, which
// replicas compare as text and so do not protect. The guard alone makes a
// retry safe: the second copy of a write finds its subject moved on, and then
// the log looks who moved it. JetStream's message ids are not used. They
// would be forgotten after some minutes, and they are one name space for the
// whole stream, in which one aggregate's retry can be answered with another's
// sequence. A command's id is in its event; see history.
//
// A write that the disk refuses makes the server refuse all that follow, until
// the streams are opened anew: see Node.Failed and Node.Recover.
//
// No NATS type leaves the package.
package streams
