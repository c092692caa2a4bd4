package transport_test

import (
	"os"
	"testing"

	"everything.local/transport/transporttest"
)

func TestMain(m *testing.M) { os.Exit(transporttest.Settled(m)) }
