module github.com/olekukonko/errors

go 1.26.3
