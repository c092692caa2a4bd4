// Package client follows a hub's feeds and gives it commands from Go.
//
// A Client speaks to one hub. Follow opens a feed over any wire and yields its
// frames until the connection ends; Watch keeps a feed alive: it resumes where
// it was, drops what comes twice, notices a silent line and goes along when a
// hub asks its clients to leave. Place and its like give commands that take
// effect once, however often they have to be sent.
//
// What was refused is an *Error with the hub's code and a sentence for a person.
// docs/protocol.md says what the frames mean.
package client
