// Package chart has what all diagrams share, whatever they show and wherever: the values that an axis names, dots in the cells of a
// terminal, coordinates and text of SVG, and one palette.
package chart
