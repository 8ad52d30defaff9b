module github.com/gdamore/encoding

go 1.26.3

require golang.org/x/text v0.43.0
