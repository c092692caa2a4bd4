package streams

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
)

// checkpointHead is the first line of the file, before the line with the
// SHA-256 of the rest.
const checkpointHead = "everything checkpoint 1\n"

// Checkpoints keeps the newest checkpoint of the fold in one file of the data
// directory, mode 0600. It saves a replay and is never the truth, so a file
// that cannot be read is as good as none.
type Checkpoints struct {
	name   string
	logger *slog.Logger
}

// Load returns what Save stored, or nil if there is nothing or it is damaged,
// which is logged.
func (c *Checkpoints) Load() ([]byte, error) {
	b, err := os.ReadFile(c.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		b, err = openCheckpoint(b)
	}
	if err != nil {
		c.logger.Warn("read the checkpoint; everything is folded again", "error", err)
		return nil, nil
	}
	return b, nil
}

func openCheckpoint(b []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(b, []byte(checkpointHead))
	sum, data, cut := bytes.Cut(rest, []byte("\n"))
	if !ok || !cut {
		return nil, errors.New("streams: not a checkpoint")
	}
	if want := sha256.Sum256(data); string(sum) != hex.EncodeToString(want[:]) {
		return nil, errors.New("streams: the checkpoint's checksum does not match")
	}
	return data, nil
}

// Save replaces the checkpoint with data. After a power cut the file holds the
// old one or the new one. One caller at a time.
func (c *Checkpoints) Save(data []byte) error {
	sum := sha256.Sum256(data)
	b := append([]byte(checkpointHead), hex.EncodeToString(sum[:])...)
	b = append(append(b, '\n'), data...)
	if err := writeFile(c.name, b); err != nil {
		return fmt.Errorf("streams: save checkpoint: %w", err)
	}
	return nil
}
