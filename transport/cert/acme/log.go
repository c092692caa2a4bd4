package acme

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newZap returns certmagic's kind of logger for log. What certmagic tells is for
// who looks into a failure, which Run has said in its own words.
func newZap(log *slog.Logger) *zap.Logger { return zap.New(core{log.Handler()}) }

type core struct{ slog.Handler }

func level(l zapcore.Level) slog.Level {
	if l >= zapcore.WarnLevel {
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

func (c core) Enabled(l zapcore.Level) bool {
	return c.Handler.Enabled(context.Background(), level(l))
}

func (c core) With(fields []zapcore.Field) zapcore.Core {
	return core{c.WithAttrs(attrs(fields))}
}

func (c core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	r := slog.NewRecord(e.Time, level(e.Level), "acme: "+e.Message, 0)
	r.AddAttrs(attrs(fields)...)
	return c.Handle(context.Background(), r)
}

func (core) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	var all []slog.Attr
	for _, f := range fields {
		m := zapcore.NewMapObjectEncoder()
		f.AddTo(m)
		for name, value := range m.Fields {
			all = append(all, slog.Any(name, value))
		}
	}
	return all
}
