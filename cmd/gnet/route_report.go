package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/undo"
	"gnet/routes"
)

// formatFlags adds --format and --json to one of gnet's own verbs; the function returns what was chosen.
func formatFlags(cmd *cobra.Command) func() (render.Format, error) {
	var word string
	var json bool
	cmd.Flags().StringVar(&word, "format", "classic", "classic, table, json, jsonl or csv")
	cmd.Flags().BoolVar(&json, "json", false, "the same as --format json")
	completeFlag(cmd, "format", render.FormatWords()...)
	return func() (render.Format, error) {
		if json {
			return render.JSON, nil
		}
		f, err := render.ParseFormat(word)
		if err != nil {
			return f, fail(statusUsage, "%w", err)
		}
		return f, nil
	}
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. The second one ends the program as if nobody listened.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	context.AfterFunc(ctx, cancel)
	return ctx, cancel
}

// changeReport says what became of many changes: failures as they come, and at the end where things stand.
type changeReport struct {
	e     *env
	doc   *render.Document // nil: classic
	rows  *render.Rows[notChanged]
	waits *undo.Change // the changes, while they wait for a confirmation
}

func newChangeReport(e *env, format render.Format) *changeReport {
	r := &changeReport{e: e}
	if format != render.Classic {
		r.doc = e.document(format, routeChangesSchema)
		r.rows = render.NewRows(r.doc, notChangedColumns())
	}
	return r
}

// failed lists one route that was not changed.
func (r *changeReport) failed(n notChanged) {
	if r.rows != nil {
		r.rows.Write(&n) // the document keeps its write error
		return
	}
	text := ""
	if n.place != (routes.Place{}) {
		text = n.place.String() + ": "
	}
	if n.route != nil {
		text += routeWords(n.route) + ": "
	}
	text += n.reason()
	if words := kernelWords(n.err); words != "" {
		text += " (the kernel says: " + words + ")"
	}
	r.e.tell("%s: %s", r.e.Name, text)
}

// end prints where things stand, and returns the command's error: none when everything was done.
func (r *changeReport) end(o *routes.Outcome, err error) error {
	if r.doc != nil {
		render.Summary(r.doc, outcomeColumns(), &changesMade{o, r.waits})
		if cerr := r.e.closeDocument(r.doc); cerr != nil {
			return cerr
		}
	} else {
		text := outcomeText(o)
		if err != nil && *o == (routes.Outcome{}) {
			text = "nothing was done"
		}
		fmt.Fprintln(r.e.Stdout, text)
		if r.waits != nil {
			fmt.Fprintln(r.e.Stdout, waitsText(r.e, r.waits))
		}
	}
	switch {
	case err != nil:
		return routeRefusal(err)
	case !o.Complete():
		return exitSilently(statusNo)
	}
	return nil
}

// endTrial is end for changes that are undone unless they are confirmed; of a nil trial it is end.
func (r *changeReport) endTrial(try *trial, o *routes.Outcome, err error) error {
	if try == nil {
		return r.end(o, err)
	}
	waits, late := try.end()
	r.waits = waits
	err = r.end(o, err)
	if late != nil {
		return late // it says more than that not everything was done
	}
	return err
}

// outcomeText is the last line of restore and flush: every count that is not zero, or that nothing was to be done.
func outcomeText(o *routes.Outcome) string {
	var parts []string
	for _, part := range []struct {
		n    uint64
		text string
	}{
		{o.Added, "added"}, {o.Replaced, "replaced"}, {o.Deleted, "deleted"}, {o.Present, "there already"}, {o.Gone, "gone already"},
		{o.Failed, "failed"}, {o.Bad, "no route"}, {o.Unknown, "unknown"}, {o.Untried, "not tried"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	text := "nothing to do"
	if len(parts) > 0 {
		text = strings.Join(parts, ", ")
	}
	if o.Interrupted {
		text = "interrupted: " + text
	}
	return text
}

// routeRefusal is the error that ended a verb of gnet's own: it could not run. EPERM says which capability is missing.
func routeRefusal(err error) error {
	f := fail(statusCannot, "%w", err)
	switch {
	case errors.Is(err, unix.EPERM):
		return f.withHint("changing routes needs cap_net_admin in the network namespace")
	case kernelWords(err) != "":
		return f.withHint("the kernel says: %s", kernelWords(err))
	}
	return f
}
