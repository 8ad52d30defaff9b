// Package view draws the events of a run: what happened at both ends of a connection, and on the link between them.
//
// A view reads events, and what package analyze concludes from them, and nothing else; so a stored run gives the same
// picture as a live one. The same events and options give the same bytes. Text from outside (the words of a fault
// rule, of a note, of an error) passes package safe before it is drawn.
package view
