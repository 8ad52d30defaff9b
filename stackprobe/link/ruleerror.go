package link

import "gnet/internal/words"

// RuleError is a rule that cannot be read: the word at fault, what could have stood there, and what was probably meant.
type RuleError words.Error

// Error names the rule, the word and what was wanted.
func (e *RuleError) Error() string { return "fault " + (*words.Error)(e).Error() }

// Pointer returns two lines, the rule and a caret below the word at fault.
func (e *RuleError) Pointer() string { return (*words.Error)(e).Pointer() }
