// Package undo keeps changes of the host that are undone unless they are confirmed in time. It knows files, processes and clocks; what
// a change is, and how it is undone, a Domain knows.
//
// Whoever makes a change calls Begin, changes the host, and calls Made. Begin writes the plan and starts the keeper, a process of the
// same binary in a session of its own, which waits for the deadline on CLOCK_BOOTTIME, so that the time which the machine sleeps
// counts. Confirm makes the change stay. Repair, called at every start, does the work of keepers that died.
//
// # Files
//
// All files are in one directory of mode 0700 that belongs to the caller; plans are read only if they are regular files of one name
// that nobody else can touch, never through a symbolic link. A file appears whole or not at all (O_TMPFILE, fsync, linkat), and is
// never altered: its bytes have one encoding and a checksum. The state of a change is the name of its plan:
//
//	ID.plan      it waits for a confirmation         -> removed by Confirm | ID.undoing
//	ID.undoing   its time is over                    -> ID.undone | ID.conflict | ID.failed
//	ID.undone    what was there before is there again; the last 16 are kept, without what was needed to undo them
//	ID.conflict  what others had changed meanwhile was left alone; kept until dismissed
//	ID.failed    it could not be undone; kept until dismissed
//	ID.left      what the change left: there once it is made
//	ID.result    what the domain said: there before ID.undone, ID.conflict or ID.failed
//	ID.short     the plan without its body, for the moment before it and ID.undone change places
//
// Each arrow is one rename or unlink of a name, of which exactly one can succeed: therefore nothing confirmed is undone, and nothing
// undone is confirmed. Three bytes of the plan can be locked (open file description locks, which move along with the file and end with
// the process): by who decides, who makes the change, and who keeps it. The first keeps decisions from crossing each other; the second
// keeps others from confirming or undoing what is only half made; the third tells whether the keeper lives and keeps two processes
// from undoing the same.
//
// # Where a process may die
//
// Whoever makes the change:
//
//	dies                               on disk              who does what
//	before the plan has its name       nothing              nobody; nothing was changed
//	before the keeper was heard        plan                 the keeper, if it is there already, else Repair: it finds nothing to undo
//	before the change                  plan                 the keeper finds nothing to undo
//	during or after the change         plan                 the keeper undoes what it finds done of it: Plan.Left is nil
//	after ID.left is written           plan, left           the keeper undoes the change; Confirm works as ever
//	is stopped, or too slow            plan, perhaps left   the keeper gives it 2 s beyond the deadline, kills it, and undoes the change
//
// The keeper:
//
//	dies                               on disk              who does what
//	before it was heard                plan                 Begin fails and removes the plan; nothing was changed
//	while it waits                     plan, left           Confirm works as ever; after the deadline Repair undoes the change
//	before the domain's call           undoing, left        Repair calls the domain
//	during or after the call           undoing, left        Repair calls the domain again, which leaves alone what is as before
//	after the result                   undoing, left,       the same, and the result is written anew
//	                                   result
//	after the last rename              undone, conflict     nobody: it is done; an undone plan may keep its body, left, or short,
//	                                   or failed, result    until it is forgotten
//
// Whoever confirms:
//
//	dies                               on disk              who does what
//	before the unlink                  plan, left           the keeper undoes the change at its deadline
//	after the unlink                   left                 nobody undoes it; Repair removes what is left over
//
// Whoever repairs dies as a keeper does. When the machine goes down the routes go with it: of another boot Repair drops the plans.
// Where a whole session is killed, keepers included, nobody undoes the change before gnet is started the next time. A keeper that gets
// SIGTERM, as from a service manager that ends a session, undoes the change at once: later it could not.
package undo
