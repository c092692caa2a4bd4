package transporttest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"everything.local/event"
)

// Frame is a frame as it came.
type Frame struct {
	event.Frame
	// Raw is its JSON.
	Raw string
	// IDs says that the wire has ids. ID is what a client sends as Last-Event-ID
	// from here on; "" when the frame did not set it.
	IDs bool
	ID  string
}

// Reader reads the frames of one wire, and takes nothing that the protocol does
// not allow. After an error it is of no more use; io.EOF is an end between two
// frames.
type Reader func(*bufio.Reader) (Frame, error)

// ReadNDJSON reads a line.
func ReadNDJSON(r *bufio.Reader) (Frame, error) {
	line, err := readLine(r)
	if err != nil {
		return Frame{}, err
	}
	return parse(line)
}

// ReadSSE reads a block of at most one id line, which comes first, and exactly
// one data line.
func ReadSSE(r *bufio.Reader) (Frame, error) {
	line, err := readLine(r)
	if err != nil {
		return Frame{}, err
	}
	id, hasID := strings.CutPrefix(line, "id: ")
	if hasID {
		if line, err = readLine(r); err != nil {
			return Frame{}, torn(err)
		}
	}
	data, ok := strings.CutPrefix(line, "data: ")
	if !ok {
		return Frame{}, fmt.Errorf("line %q is neither id nor data", line)
	}
	end, err := readLine(r)
	if err != nil {
		return Frame{}, torn(err)
	}
	if end != "" {
		return Frame{}, fmt.Errorf("line %q where the block should end", end)
	}
	f, err := parse(data)
	if err == nil && hasID && (id == "" || id != f.Cursor) {
		err = fmt.Errorf("id %q beside the cursor %q", id, f.Cursor)
	}
	f.IDs = true
	if hasID {
		f.ID = id
	}
	return f, err
}

// torn is the error of an end within a frame.
func torn(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readLine returns a line without its end, which is a line feed alone.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		if line != "" {
			err = torn(err)
		}
		return "", err
	}
	if strings.ContainsAny(line, "\r\x00") {
		return "", fmt.Errorf("line %q has a control character", line)
	}
	return line[:len(line)-1], nil
}

// parse reads a frame's JSON: compact, with no field that the vocabulary does
// not have, and of exactly one kind.
func parse(line string) (Frame, error) {
	f := Frame{Raw: line}
	dec := json.NewDecoder(strings.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f.Frame); err != nil {
		return f, fmt.Errorf("frame %q: %w", line, err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(line)); err != nil || compact.String() != line {
		return f, fmt.Errorf("frame %q is not one compact JSON value: %w", line, err)
	}
	kinds := 0
	for _, is := range []bool{
		f.Topic != "" && f.Reset, f.Topic != "" && !f.Reset, f.Live, f.Ping,
		f.Stale != nil, f.Goaway != nil, f.Error != nil,
		f.Topic == "" && !f.Live && !f.Ping && f.Cursor != "",
	} {
		if is {
			kinds++
		}
	}
	if kinds != 1 {
		return f, fmt.Errorf("frame %q is of %d kinds", line, kinds)
	}
	return f, nil
}
