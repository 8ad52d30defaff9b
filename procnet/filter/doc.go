// Package filter reads the expressions of gnet netstat --filter and judges sockets by them. The language is that of ss(8), with
// conditions on owners, queues and TCP_INFO added. It prints nothing.
//
//	expression = [ states ] term { ( "or" | "||" | "|" ) term }
//	term       = factor { [ "and" | "&&" | "&" ] factor }
//	factor     = ( "not" | "!" ) factor | "(" expression ")" | states | condition
//	states     = ( "state" | "exclude" ) STATE { ( "state" | "exclude" ) STATE }
//	condition  = NAME [ OPERATOR ] VALUE | ":" PORT
//	OPERATOR   = "=" "==" "eq" | "!=" "ne" "neq" | "<" "lt" | "<=" "le" "leq" | ">" "gt" | ">=" "ge" "geq"
//
// States that begin an expression, without an operator behind them, go for all of it: state established sport = 22 or dport = 22.
//
// A bare word ends at a blank, a parenthesis, & or |, and the name of a condition also at an operator. A value may stand
// in ' or ", where \ before \, ' or " takes that byte as it is and \xNN is a byte.
//
// # What is asked of a row that does not have it
//
// A datagram socket has no round trip time, a unix socket no port. Such a condition is false, and its opposite, with != or
// not, is true, as in ss. A Matcher tells those conditions apart that a row would have had if its source
// were better: TCP_INFO when the row comes from a file.
//
// # Two evaluations
//
// Plan makes of a filter what inet_diag can check itself: a set of states and a sockdiag.Cond. It never excludes a row
// that Match keeps, but it may let others pass, so that each row is judged by Match, wherever it comes from.
//
// Names (of services, users, interfaces, hosts, control groups) become numbers when the expression is read, in the network namespace
// of the caller.
package filter
