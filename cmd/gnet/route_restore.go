package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/routes"
)

// newRouteRestoreCommand returns `gnet route restore [FILE]`.
func newRouteRestoreCommand(e *env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore [FILE]",
		Short: "Put saved routes back",
		Long: `Put the routes of a file back: add those that are missing, replace what stands in
the place of one, and leave alone what the file does not name. FILE is what
gnet route save, gnet route --details --json, ip -j route or ip route save
wrote, told apart by its content;
- or no FILE is standard input, which is copied to a temporary file when it is
a pipe, since the file is read more than once. A bad line is reported and
does not stop the others. The last line says what was done; status 1: not all.`,
		Args: oneFile(e),
	}
	var confirm time.Duration
	addConfirm(cmd, &confirm)
	format := formatFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := format()
		if err != nil {
			return err
		}
		return restoreRoutes(cmd.Context(), e, fileWord(args), f, confirm)
	}
	return cmd
}

// oneFile allows one operand at most.
func oneFile(e *env) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		e.setName(cmd)
		if len(args) > 1 {
			return fail(statusUsage, "%q: one file is read, %s", args[1], strconv.Quote(args[0]))
		}
		return nil
	}
}

func fileWord(args []string) string {
	if len(args) == 0 {
		return "-"
	}
	return args[0]
}

func restoreRoutes(ctx context.Context, e *env, name string, format render.Format, confirm time.Duration) error {
	ctx, cancel := untilSignal(ctx)
	defer cancel()
	file, err := openSaved(ctx, e, name)
	if err != nil {
		return err
	}
	defer file.Close()
	conn, err := routes.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	tellPending(ctx, e)
	labels := saveLabels()
	var try *trial
	if confirm != 0 {
		m, err := conn.RememberRestore(file, labels)
		if err == nil {
			try, err = tryMany(ctx, e, conn, confirm, m)
		}
		if err != nil {
			return notBegun(savedFileError(name, err))
		}
	}
	report := newChangeReport(e, format)
	outcome, err := conn.Restore(ctx, file, labels, func(f routes.Failure) {
		report.failed(notChanged{f.Place, f.Route, f.Err})
	})
	return report.endTrial(try, &outcome, savedFileError(name, err))
}

// savedFileError names the file when it is what is wrong.
func savedFileError(name string, err error) error {
	if errors.Is(err, routes.ErrSaveFormat) || errors.Is(err, routes.ErrSaveOrder) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// openSaved opens a file that is read more than once. What cannot be read twice, such as a pipe, is copied to a temporary file without a
// name first, and before anything is changed.
func openSaved(ctx context.Context, e *env, name string) (*os.File, error) {
	var in io.Reader = e.Stdin
	if name != "-" {
		f, err := openUntil(ctx, name)
		if err != nil {
			return nil, err
		}
		in = f
	}
	f, isFile := in.(*os.File)
	if isFile {
		info, err := f.Stat()
		if err == nil && info.Mode().IsRegular() {
			return f, nil
		}
		if err == nil && info.IsDir() {
			return nil, &os.PathError{Op: "read", Path: name, Err: unix.EISDIR}
		}
		if name != "-" {
			defer f.Close()
		}
	}
	return spool(ctx, in)
}

// openUntil opens a file, which takes until somebody writes when it is a named pipe, and gives up when ctx ends.
func openUntil(ctx context.Context, name string) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := os.Open(name)
		done <- opened{f, err}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, errInterruptedBefore()
	}
}

func errInterruptedBefore() error { return fail(statusNo, "interrupted before anything was changed") }

// spool copies in to a temporary file that is gone when it is closed.
func spool(ctx context.Context, in io.Reader) (*os.File, error) {
	tmp, err := os.CreateTemp("", "gnet-route-*")
	if err != nil {
		return nil, err
	}
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(tmp, in)
		copied <- err
	}()
	if err = os.Remove(tmp.Name()); err == nil {
		select {
		case err = <-copied:
		case <-ctx.Done():
			return nil, errInterruptedBefore()
		}
	}
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err != nil {
		tmp.Close()
		return nil, err
	}
	return tmp, nil
}
