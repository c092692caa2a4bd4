package scenario

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"everything.local/client"
	"everything.local/loadtest/relay"
	"everything.local/loadtest/street"
)

// journey is a way to change networks, again and again.
type journey struct {
	name string
	// limit is what 99 of 100 pauses must not exceed; 0 for none.
	limit time.Duration
	// same says that the connection must stay the same.
	same bool
	pace client.Pace
	// sends says that travellers send; the others only listen.
	sends bool
	// street says that real networks change, for which it takes root.
	street bool
	// weather is what the relay begins with.
	weather relay.Weather
	// window is how long a pause is looked for after a switch, rest what comes
	// before the next one.
	window, rest time.Duration
	// fromEnd says that a pause counts from the end of the switch, not from the
	// last entry before it: a hub that is down sends nothing.
	fromEnd bool
	// rate is how many messages a second there are, 0 for the run's.
	rate float64
	// brisk says that there is no rest before a switch.
	brisk bool
	// atStart says that there is one switch, before anybody departs, and that the
	// pause is how long it takes to be live.
	atStart bool
	// still says that nothing is switched, and latencies are measured instead.
	still bool
	// wire is what travellers follow by; the best that works if none is named.
	wire client.Wire
	// move switches the i-th time; back, if not nil, is done after the window,
	// and not measured.
	move, back func(ctx context.Context, r *Run, p *place, i int) error
}

const (
	second = time.Second
	blink  = 300 * time.Millisecond
)

// journeys is the registry, in the order in which they are made.
var journeys = []*journey{
	{name: "rebind", limit: 150 * time.Millisecond, same: true, pace: client.Attentive, sends: true, window: second, rest: second, move: rebind},
	{name: "rebind-listening", limit: second, same: true, pace: client.Attentive, window: 3 * second / 2, rest: second, move: rebind},
	{name: "rebind-idle", limit: 15 * second, same: true, pace: client.Idle, rate: 0.5, window: 17 * second, rest: 2 * second, move: rebind},
	{name: "switch", limit: 50 * time.Millisecond, same: true, pace: client.Attentive, street: true, window: second, rest: blink, move: prefer},
	{name: "down", limit: 300 * time.Millisecond, same: true, pace: client.Attentive, street: true, window: second, rest: second, move: down, back: up},
	{name: "black", limit: 300 * time.Millisecond, same: true, pace: client.Attentive, street: true, window: second, rest: second, move: darken},
	{name: "there-and-back", pace: client.Attentive, street: true, brisk: true, window: blink, move: thereAndBack},
	{name: "restart", limit: 1200 * time.Millisecond, pace: client.Attentive, fromEnd: true, window: 4 * second, rest: second, move: restart},
	{name: "blocked", limit: 2500 * time.Millisecond, pace: client.Attentive, window: 3 * second, rest: 2 * second, move: block, back: unblock},
	{name: "no-udp", limit: second, pace: client.Attentive, weather: relay.Weather{Blocked: true}, atStart: true},
	{name: "lossy", limit: second, pace: client.Attentive, weather: relay.Weather{Loss: 0.02, Delay: 100 * time.Millisecond, Jitter: 5 * time.Millisecond}, window: 2 * second, still: true, wire: client.WT, move: stay},
}

func rebind(_ context.Context, _ *Run, p *place, _ int) error {
	p.relay.Rebind()
	return nil
}

// prefer makes the machine's system choose the other network; both work.
func prefer(ctx context.Context, _ *Run, p *place, i int) error {
	if i%2 == 0 {
		return p.street.Prefer(ctx, street.Cell)
	}
	return p.street.Unprefer(ctx, street.Cell)
}

func down(ctx context.Context, _ *Run, p *place, _ int) error {
	return p.street.Down(ctx, street.Wifi)
}

func up(ctx context.Context, _ *Run, p *place, _ int) error {
	return p.street.Up(ctx, street.Wifi)
}

// darken lets the network that everybody is on lead nowhere, and the other one
// to the hub again.
func darken(_ context.Context, _ *Run, p *place, i int) error {
	p.relay.Darken(street.Address([]street.Link{street.Wifi, street.Cell}[i%2]))
	return nil
}

// thereAndBack leaves wifi and comes back within a second.
func thereAndBack(ctx context.Context, r *Run, p *place, i int) error {
	if err := down(ctx, r, p, i); err != nil {
		return err
	}
	if err := pause(ctx, blink); err != nil {
		return err
	}
	return up(ctx, r, p, i)
}

// restart runs the command that restarts the hub.
func restart(ctx context.Context, r *Run, _ *place, _ int) error {
	out, err := exec.CommandContext(ctx, "sh", "-c", r.Restart).CombinedOutput()
	if err != nil {
		return fmt.Errorf("--restart: %w: %s", err, out)
	}
	return nil
}

func block(_ context.Context, _ *Run, p *place, _ int) error {
	p.relay.SetWeather(relay.Weather{Blocked: true})
	return nil
}

// unblock brings everybody back to datagrams.
func unblock(ctx context.Context, _ *Run, p *place, _ int) error {
	p.relay.SetWeather(relay.Weather{})
	p.relay.BlockTCP(true)
	err := pause(ctx, 2*second)
	p.relay.BlockTCP(false)
	return err
}

func stay(context.Context, *Run, *place, int) error { return nil }
