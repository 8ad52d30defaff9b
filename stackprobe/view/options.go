package view

// Options say how a picture for the terminal is drawn. All views take them, so that one set of options of the command line
// serves all; a view to which an option means nothing says so in its own comment.
type Options struct {
	// Width is the number of columns; no row is longer. Below 40 it is taken as 40, 0 as 80.
	Width int
	// ASCII draws with ASCII alone, for a locale that is not UTF-8.
	ASCII bool
	// Color adds colours (SGR sequences), for a terminal whose user did not set NO_COLOR.
	Color bool
	// Explain adds what each end knows of the other, where it changes.
	Explain bool
	// Unfold shows each segment of a long run of data, which is otherwise told in a row for each flight or each so many.
	Unfold bool
	// Absolute shows the sequence numbers as they stand in the segments; otherwise they count from each end's initial number.
	Absolute bool
	// Left is what is left out of a run of which some connections were chosen (event.Run.Conns); nil where nothing is. It is read
	// by Close.
	Left *Left
}
