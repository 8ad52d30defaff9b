// Package nftables speaks to the kernel's packet filter: it makes and deletes tables with rules that translate addresses, and lists
// the chains of others. It knows of the messages only what that takes (linux/netfilter/nf_tables.h).
package nftables
