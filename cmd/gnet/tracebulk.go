package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
)

// bulkSchema names the machine form of trace tcp --bulk.
const bulkSchema = "gnet/trace-bulk/1"

// bulkOptions is what a `trace tcp --bulk` command line asks for.
type bulkOptions struct {
	stackprobe.BulkConfig
	Format render.Format
}

// runTraceBulk moves the data and shows what came of each direction as soon as it is known.
func runTraceBulk(ctx context.Context, e *env, o bulkOptions) error {
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer cancel()
	context.AfterFunc(ctx, cancel)
	b, err := stackprobe.OpenBulk(ctx, o.BulkConfig)
	if err != nil {
		return bulkFailure(err)
	}
	defer b.Close()
	for _, what := range b.Run.Unpinned {
		e.warn("not pinned: %s", what)
	}
	view := newBulkView(e, o.Format, b.Run)
	reason := ""
	for t, err := range b.Transfers() {
		if err != nil {
			return errors.Join(view.close("interrupted"), bulkFailure(err))
		}
		if t.Reason != "" {
			reason = fmt.Sprintf("%s to %s: %s", t.From, t.To, t.Reason)
		}
		view.transfer(t)
	}
	if err := view.close(reason); err != nil {
		return err
	}
	if reason != "" {
		return fail(statusNo, "the transfer failed: %s", reason)
	}
	return nil
}

// bulkFailure turns what prevented a run into a status.
func bulkFailure(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return fail(statusNo, "interrupted")
	case errors.Is(err, context.DeadlineExceeded):
		return fail(statusNo, "the connection did not stand within the deadline")
	}
	if refused, ok := errors.AsType[*app.Unsupported](err); ok {
		return refusedOption(err, refused)
	}
	f := fail(statusCannot, "%w", err)
	if k, ok := errors.AsType[*kernelside.Error](err); ok && k.OtherLink() {
		return f.withHint("--bulk needs a TUN interface; without --bulk, --link veth and --link memory do not")
	}
	return f
}

// bulkView shows what the directions have moved.
type bulkView interface {
	transfer(*stackprobe.Transfer)
	// close ends the view; reason is the sentence for a run that failed.
	close(reason string) error
}

func newBulkView(e *env, f render.Format, run *event.Run) bulkView {
	if f != render.Classic {
		doc := e.document(f, bulkSchema)
		return &bulkDocument{e: e, doc: doc, rows: render.NewRows(doc, bulkColumns()), run: run}
	}
	v := &bulkLines{e}
	v.begin(run)
	return v
}

// bulkLines is the classic form.
type bulkLines struct{ e *env }

// bulkRow is a line of the table; the widths are those of the largest figures.
const bulkRow = "%-15s %12s %14s %8s %8s %8s %8s\n"

func (v *bulkLines) begin(r *event.Run) {
	w := v.e.Stdout
	fmt.Fprintf(w, "world   %s with offloads, real clock; no segment is recorded\n", r.World)
	fmt.Fprintf(w, "link    MTU %d; a packet of up to 64 KiB stands for many segments\n", r.MTU)
	for _, end := range [...]struct {
		name string
		*event.Stack
	}{{"client", &r.Client}, {"server", &r.Server}} {
		parts := []string{end.Name, end.CC, end.Recovery, end.Addr}
		fmt.Fprintf(w, "%-8s%s\n", end.name, safe.String(strings.Join(parts, ", ")))
	}
	width, _ := v.e.terminal()
	v.list("pinned  ", strings.Join(r.Pinned, ", "), min(width, maxWidth))
	fmt.Fprintln(w)
	fmt.Fprintf(w, bulkRow, "direction", "goodput", "bytes", "time", "CPU", "retrans", "dropped")
	w.Flush()
}

// list writes a paragraph of words behind a head.
func (v *bulkLines) list(head, text string, width int) {
	line := head
	for word := range strings.FieldsSeq(safe.String(text)) {
		if len(line) > len(head) && len(line)+len(word) > width {
			fmt.Fprintln(v.e.Stdout, strings.TrimRight(line, " "))
			line = strings.Repeat(" ", len(head))
		}
		line += word + " "
	}
	fmt.Fprintln(v.e.Stdout, strings.TrimRight(line, " "))
}

func (v *bulkLines) transfer(t *stackprobe.Transfer) {
	fmt.Fprintf(v.e.Stdout, bulkRow, t.From.String()+" > "+t.To.String(), bitRate(t.Goodput()), fmt.Sprint(t.Bytes),
		bulkSeconds(t.Elapsed), bulkSeconds(t.CPU), fmt.Sprint(t.Retransmitted), fmt.Sprint(t.Dropped))
	v.e.Stdout.Flush()
}

func (v *bulkLines) close(reason string) error {
	result := "every byte arrived unchanged; CPU is that of both ends"
	if reason != "" {
		result = "failed: " + safe.String(reason)
	}
	_, err := fmt.Fprintf(v.e.Stdout, "\nresult  %s\n", result)
	return err
}

// bitRate writes bits per second with four digits.
func bitRate(bits float64) string {
	units := [...]string{"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"}
	i := 0
	for ; i < len(units)-1 && bits >= 999.95; i++ {
		bits /= 1000
	}
	decimals := 2
	if bits >= 99.995 {
		decimals = 1
	}
	return fmt.Sprintf("%.*f %s", decimals, bits, units[i])
}

// bulkSeconds writes a time with the digits that a measure of this kind has.
func bulkSeconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// bulkDocument is a machine form.
type bulkDocument struct {
	e    *env
	doc  *render.Document
	rows *render.Rows[stackprobe.Transfer]
	run  *event.Run
}

func (d *bulkDocument) transfer(t *stackprobe.Transfer) {
	if d.rows.Write(t) == nil { // an error stays with the document
		d.doc.Flush()
		d.e.Stdout.Flush()
	}
}

func (d *bulkDocument) close(reason string) error {
	last := event.Event{Run: d.run, End: &event.End{OK: reason == "", Reason: reason}}
	if err := render.Summary(d.doc, bulkSummaryColumns(), &last); err != nil {
		return err
	}
	return d.e.closeDocument(d.doc)
}
