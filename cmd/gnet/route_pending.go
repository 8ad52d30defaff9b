package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"gnet/internal/render"
	"gnet/internal/safe"
	"gnet/internal/undo"
)

// newRouteConfirmCommand returns `gnet route confirm [ID]`.
func newRouteConfirmCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "confirm [ID]",
		Short: "Make a change stay that waits for a confirmation",
		Long: `Make a change stay that was made with --confirm. Without ID it is the one that
waits, if it is the only one. Status 1: none waits, several wait and none is
named, or the time is over.`,
		Args:              atMostOneID(e),
		ValidArgsFunction: completeIDs(undo.Waiting),
		RunE: func(cmd *cobra.Command, args []string) error {
			id := ""
			if len(args) > 0 {
				id = args[0]
			}
			return confirmChange(cmd.Context(), e, id)
		},
	}
}

// newRouteDismissCommand returns `gnet route dismiss ID`.
func newRouteDismissCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "dismiss ID",
		Short: "Forget a change that was undone, or could not be",
		Long: `Take a change out of the list of gnet route pending that waits for nothing any
more: it was undone, others had changed what it left, it could not be undone, or
its plan is damaged. The routes stay as they are.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				e.setName(cmd)
				return fail(statusUsage, "an id must follow").withHint("%s pending lists them", routeCommand(e))
			}
			return atMostOneID(e)(cmd, args)
		},
		ValidArgsFunction: completeIDs(undo.Undone, undo.Conflict, undo.Failed),
		RunE: func(cmd *cobra.Command, args []string) error {
			return dismissChange(cmd.Context(), e, args[0])
		},
	}
}

// newRoutePendingCommand returns `gnet route pending`.
func newRoutePendingCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pending",
		Short: "List the changes that wait for a confirmation",
		Long: `List the changes that were made with --confirm: those that wait, the last that
were undone, and those that could not be undone or that others had changed, with
what became of them.`,
		Args:              noWords(e),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	format := formatFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f, err := format()
		if err != nil {
			return err
		}
		return listPending(cmd.Context(), e, f)
	}
	return cmd
}

// atMostOneID refuses further words.
func atMostOneID(e *env) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		e.setName(cmd)
		if len(args) > 1 {
			return fail(statusUsage, "%q: one id is expected", args[1])
		}
		return nil
	}
}

// completeIDs offers the changes that are in one of the states.
func completeIDs(states ...undo.State) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var ids []string
		if d, err := undo.Open(undo.Path); err == nil && len(args) == 0 {
			defer d.Close()
			entries, _ := d.Pending() // completion has nobody to tell
			for i := range entries {
				for _, s := range states {
					if entries[i].State == s && entries[i].Plan != nil {
						ids = append(ids, entries[i].ID+"\t"+safe.String(entries[i].Plan.What))
					}
				}
			}
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}

func confirmChange(ctx context.Context, e *env, id string) error {
	d, err := openPlans(ctx, e)
	if errors.Is(err, fs.ErrNotExist) {
		err = nothingThere(id)
	}
	if err != nil {
		return confirmFailure(err)
	}
	defer d.Close()
	p, err := d.Confirm(id)
	if err != nil {
		return confirmFailure(err)
	}
	fmt.Fprintf(e.Stdout, "%s is confirmed: %s\n", p.ID, safe.String(p.What))
	return nil
}

// nothingThere is the answer where there is not even a directory of plans.
func nothingThere(id string) error {
	if id == "" {
		return &undo.Error{Op: "confirm", Err: undo.ErrNone}
	}
	return &undo.Error{Op: "confirm", ID: id, Err: undo.ErrUnknown}
}

func dismissChange(ctx context.Context, e *env, id string) error {
	d, err := undo.Open(undo.Path) // no repair: it would report what is about to go
	if errors.Is(err, fs.ErrNotExist) {
		err = nothingThere(id)
	}
	if err != nil {
		return confirmFailure(err)
	}
	defer d.Close()
	if err := d.Dismiss(id); err != nil {
		return confirmFailure(err)
	}
	fmt.Fprintf(e.Stdout, "%s is forgotten\n", id)
	return nil
}

// confirmFailure gives the errors of package undo their status: 1 where the answer is no.
func confirmFailure(err error) *failure {
	if own := (*failure)(nil); errors.As(err, &own) {
		return own
	}
	for _, no := range []error{undo.ErrNone, undo.ErrSeveral, undo.ErrUnknown, undo.ErrOver, undo.ErrMaking, undo.ErrWaiting, undo.ErrLasting} {
		if !errors.Is(err, no) {
			continue
		}
		text := no.Error()
		if u, ok := errors.AsType[*undo.Error](err); ok {
			if u.ID != "" {
				text = u.ID + ": " + text
			}
			if u.Why != "" {
				text += ": " + u.Why
			}
		}
		return fail(statusNo, "%s", text)
	}
	return fail(statusCannot, "%w", err)
}

// openPlans opens the directory of plans, does the work of keepers that died, and says so. The error is fs.ErrNotExist where there is none.
func openPlans(ctx context.Context, e *env) (*undo.Dir, error) {
	d, err := undo.Open(undo.Path)
	if err != nil {
		return nil, err
	}
	done, err := d.Repair(ctx, undoDomains())
	for i := range done {
		tellRepaired(e, &done[i])
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func tellRepaired(e *env, r *undo.Repaired) {
	switch {
	case r.Err == nil && r.Plan != nil && r.Plan.Lasting:
		e.warn("change %s was left behind by %s: %s now", r.ID, safe.String(r.Plan.What), stateWord(r.Now))
	case r.Err == nil:
		e.warn("change %s was not confirmed in time and its keeper had died: %s now", r.ID, stateWord(r.Now))
	case r.Now == "" && r.State != "":
		e.warn("change %s is forgotten: %v", r.ID, r.Err)
	default:
		e.warn("change %s is left alone: %v", r.ID, r.Err)
		if r.State != "" && r.Entry.Err != nil { // what was only not finished is tried again, and cannot be dismissed
			e.hint("%s dismiss %s forgets it", routeCommand(e), r.ID)
		}
	}
}

// tellPending reminds whoever is about to change routes of the changes that wait, or that were not undone as they should have been. Whatever
// is wrong with their directory does not keep a change from being made that needs no confirmation.
func tellPending(ctx context.Context, e *env) {
	d, err := openPlans(ctx, e)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return // none, or none of this user's
	}
	if err == nil {
		defer d.Close()
		err = tellEntries(e, d)
	}
	if err != nil {
		e.warn("%v", err)
	}
}

func tellEntries(e *env, d *undo.Dir) error {
	entries, err := d.Unfinished()
	for i := range entries {
		one := &entries[i]
		switch {
		case one.Err != nil: // told by openPlans
		case one.Plan != nil && one.Plan.Lasting && one.State == undo.Waiting: // it waits for nobody
		case one.State == undo.Waiting:
			e.warn("change %s waits for a confirmation and is undone in %v: %s confirm %s", one.ID, wholeSeconds(one.Left), routeCommand(e), one.ID)
		case one.State == undo.Undoing:
			e.warn("change %s is being undone", one.ID)
		case one.State == undo.Conflict, one.State == undo.Failed:
			e.warn("change %s was not undone as it should have been (%s): %s pending shows it", one.ID, stateWord(one.State), routeCommand(e))
		}
	}
	return err
}

// wholeSeconds rounds up, so that the last second is not none.
func wholeSeconds(d time.Duration) time.Duration {
	return max(d+time.Second-1, 0).Truncate(time.Second)
}

// stateWord is a state in gnet's output.
func stateWord(s undo.State) string {
	if s == undo.Waiting {
		return "waiting"
	}
	return string(s)
}

// entryWord is the state of an entry: refused where its plan is not to be trusted.
func entryWord(one *undo.Entry) string {
	switch {
	case one.Err != nil:
		return "refused"
	case one.State == undo.Waiting && one.Making:
		return "making"
	}
	return stateWord(one.State)
}

func listPending(ctx context.Context, e *env, format render.Format) error {
	var entries []undo.Entry
	d, err := openPlans(ctx, e)
	if err == nil {
		defer d.Close()
		entries, err = d.Pending()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return confirmFailure(err)
	}
	if format != render.Classic {
		return writePending(e, format, entries)
	}
	if len(entries) == 0 {
		fmt.Fprintln(e.Stdout, "no change is pending")
		return nil
	}
	fmt.Fprintf(e.Stdout, "%-5s %-8s %-8s %s\n", "ID", "STATE", "LEFT", "CHANGE")
	for i := range entries {
		printPending(e, &entries[i])
	}
	return nil
}

func writePending(e *env, format render.Format, entries []undo.Entry) error {
	doc := e.document(format, routePendingSchema)
	rows := render.NewRows(doc, pendingColumns())
	for i := range entries {
		if err := rows.Write(&entries[i]); err != nil {
			return err
		}
	}
	return e.closeDocument(doc)
}

// printPending prints a change, and below it what became of it.
func printPending(e *env, one *undo.Entry) {
	left, what := "-", "-"
	if one.State == undo.Waiting && one.Err == nil && !one.Plan.Lasting {
		left = wholeSeconds(one.Left).String()
	}
	if one.Plan != nil {
		what = safe.String(one.Plan.What)
	}
	fmt.Fprintf(e.Stdout, "%-5s %-8s %-8s %s\n", safe.String(one.ID), entryWord(one), left, what)
	say := func(format string, args ...any) {
		fmt.Fprintf(e.Stdout, "      %s\n", safe.String(fmt.Sprintf(format, args...)))
	}
	switch {
	case one.Err != nil:
		say("%v", one.Err)
		return
	case one.State == undo.Waiting && !one.Keeper:
		when := "when the time is over"
		if one.Plan.Lasting {
			when = "when its process has ended"
		}
		say("its keeper has died: the next gnet route that changes something undoes it %s", when)
	case !one.Ended.IsZero():
		say("at %s", one.Ended.Local().Format("2006-01-02 15:04:05"))
	}
	if one.Result != nil {
		for _, line := range one.Result.Lines {
			say("%s", line)
		}
	}
	if one.Error != "" {
		say("%s", one.Error)
	}
}
