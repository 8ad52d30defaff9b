// Package inject makes what no honest stack does: segments that somebody between the two ends puts on the link, and ends
// that follow a script where a stack should be.
//
// Both are asked for in lines of a few words (ParseLine, ParseStep). An Injector watches the segments that leave and puts
// its own among them; a Peer takes an end's place on the link. Neither guesses: a number that counts from something that
// was not seen yet is refused with a sentence.
package inject
