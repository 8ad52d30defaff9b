package main

// The command lines of the oracle tests. What follows "; " is the id of an intended difference.

// routeAddLines adds IPv4 routes; each line starts from the layout.
const routeAddLines = `
route add default gw 10.50.0.2
route add default
route add default dev d0
route add default d0
route add -net default gw 10.50.0.2
route add -host default gw 10.50.0.2
route add -net 0.0.0.0 gw 10.50.0.2
route add 0.0.0.0 gw 10.50.0.2
route add -net 0.0.0.0/0 gw 10.50.0.2
route add 0.0.0.0/0 gw 10.50.0.2; zero-prefix
route add -net 0.0.0.0 netmask 0.0.0.0 gw 10.50.0.2
route add -net default netmask 0.0.0.0 gw 10.50.0.2
route add -net default netmask 255.0.0.0 gw 10.50.0.2
route add -net 10.0.0.0 gw 10.50.0.2
route add -net 192.168.5.0 gw 10.50.0.2
route add -net 192.168.5.1 gw 10.50.0.2
route add -net 224.0.0.0 netmask 240.0.0.0 dev d0
route add -net 240.0.0.0 netmask 240.0.0.0 dev d0
route add 192.168.5.0 gw 10.50.0.2
route add 192.168.5.7 gw 10.50.0.2
route add -host 192.168.5.7 gw 10.50.0.2
route add -host 192.168.5.7 dev d1
route add -host 192.168.5.7 d1
route add 192.168.5.7 d1
route add -net 192.168.5.0/24 d1
route add 192.168.5.0/24 d1
route add -net 192.168.5.7/24 d1
route add -host 192.168.5.7/32 d1
route add 192.168.5.7/32 d1
route add -net 192.168.5.7/32 d1; net-32
route add -host 192.168.5.7 netmask 255.255.255.255 d1; host-netmask
route add -net 192.168.5.7 netmask 255.255.255.255 d1
route add -host 192.168.5.0 netmask 255.255.255.0 d1
route add -net 192.168.4.0/33 d1; prefix-range
route add -net 192.168.4.0/-1 d1; prefix-range
route add -net 192.168.4.0/ d1
route add -net 192.168.4.0/2x d1
route add -net 192.168.4.0/0x18 d1
route add -net 192.168.4.0/030 d1
route add -net 192.168.4.0/24 netmask 255.255.255.0 d1
route add -net 192.168.4.0 netmask 255.0.255.0 d1
route add -net 192.168.4.0 netmask foo d1
route add -net 192.168.4.0 netmask 0xffffff00 d1
route add -net 10.9 gw 10.50.0.2
route add -net 10.9/32 gw 10.50.0.2; net-32
route add -net 0x0a000000/8 gw 10.50.0.2
route add -net 10.0.0.0/8 gw 10.50.0.2
route add -net 10.0.0.0/8 gateway 10.50.0.2 device d0
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 100
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 0
route add -net 10.0.0.0/8 gw 10.50.0.2 metric -1; route-bad-option
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 12abc; number-words
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 32766
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 32767; metric-range
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 65535; metric-range
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 65536; metric-range
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 100000; metric-range
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 4294967296; metric-range
route add -net 10.0.0.0/8 gw 10.50.0.2 metric
route add -net 10.0.0.0/8 gw 10.50.0.2 mss 1400
route add -net 10.0.0.0/8 gw 10.50.0.2 mtu 1400
route add -net 10.0.0.0/8 gw 10.50.0.2 mss 63
route add -net 10.0.0.0/8 gw 10.50.0.2 mss 65537
route add -net 10.0.0.0/8 gw 10.50.0.2 window 8192
route add -net 10.0.0.0/8 gw 10.50.0.2 window 127
route add -net 10.0.0.0/8 gw 10.50.0.2 irtt 300
route add -net 10.0.0.0/8 gw 10.50.0.2 irtt foo; number-words
route add -net 10.0.0.0/8 reject
route add -net 10.0.0.0/8 reject metric 5
route add -net 10.0.0.0/8 reject d0
route add -net 10.0.0.0/8 gw 10.50.0.2 reject
route add -host 10.1.2.3 reject
route add default reject
route add -net 10.0.0.0/8 gw 10.50.0.2 mod
route add -net 10.0.0.0/8 gw 10.50.0.2 dyn
route add -net 10.0.0.0/8 gw 10.50.0.2 reinstate
route add -net 10.0.0.0/8 gw 10.50.0.2 mod dyn reinstate
route add -net 10.0.0.0/8 gw 10.99.99.99
route add -net 10.0.0.0/8 gw 10.50.0.1
route add -net 10.0.0.0/8 gw 10.52.0.2
route add -net 10.0.0.0/8 gw 10.50.0.0
route add -net 10.0.0.0/8 gw 10.50.0.255
route add -net 10.0.0.0/8 gw 0.0.0.0
route add -net 10.0.0.0/8 gw 0.0.0.0 dev d0
route add -net 10.0.0.0/8 gw default
route add -net 10.0.0.0/8 gw nosuchhost.invalid
route add -net 10.0.0.0/8 gw localhost
route add -net 10.0.0.0/8 gw 10.50.0.2 gw 10.50.0.3
route add -net 10.0.0.0/8 gw
route add -net 10.0.0.0/8 dev
route add -net 10.0.0.0/8 dev nosuch
route add -net 10.0.0.0/8 dev d0 dev d1
route add -net 10.0.0.0/8 d0 metric 3
route add -net 10.0.0.0/8 d0 d1
route add -net 10.0.0.0/8 dev d0 metric 3
route add -net 10.0.0.0/8 gw 10.50.0.2 dev d1
route add -net 10.0.0.0/8 dev averyveryverylongname0
route add nosuchhost.invalid gw 10.50.0.2
route add -host nosuchhost.invalid gw 10.50.0.2
route add -net nosuchnet gw 10.50.0.2
route add -net loopback netmask 255.0.0.0 dev lo
route add localhost dev lo
route add loopback dev lo
route add -net 10.0.0.0 netmask 255.0.0.0 netmask 255.0.0.0 d0
route add -net 10.0.0.0/8 gw 10.50.0.2 onlink
route add 1.2.3.4
route add -net 1.2.3.0/24
route add -net
route add -host
route add 256.1.1.1 d0
route add -6 default gw ::1
route add 2001:db8::/32 dev d0
route add -net default/8 gw 10.50.0.2
route add default/8 gw 10.50.0.2
route add default/0 gw 10.50.0.2
route add -net 0/0 gw 10.50.0.2
route add 0/0 gw 10.50.0.2; zero-prefix
route add 0 gw 10.50.0.2
route add -net 0 gw 10.50.0.2
route add -net 0.0.0.0/8 gw 10.50.0.2
route add 0.0.0.0/8 gw 10.50.0.2
route add 0.0.0.0/32 gw 10.50.0.2
route add -host 0.0.0.0 gw 10.50.0.2
route add -host 0.0.0.0/0 gw 10.50.0.2; zero-prefix
route add 1.2.3.4/0 gw 10.50.0.2; zero-prefix
route add 0.0.0.0 netmask 0.0.0.0 gw 10.50.0.2; zero-prefix
route add default netmask 255.0.0.0 gw 10.50.0.2
route add default netmask 0.0.0.0 gw 10.50.0.2
route add 10.0.0.0 netmask 255.0.0.0 gw 10.50.0.2
route add 10.0.0.0 netmask 255.255.255.255 gw 10.50.0.2; host-netmask
route add -net 10.0.0.0 netmask 0.0.0.0 gw 10.50.0.2
route add -net 10.0.0.0 netmask default gw 10.50.0.2
route add -net 10.0.0.0 netmask loopback gw 10.50.0.2
route add -net 10.0.0.0 netmask 24 gw 10.50.0.2
route add -net 10.0.0.0 netmask 255.255.255 gw 10.50.0.2
route add -net 10.0.0.1 netmask 255.0.0.0 gw 10.50.0.2
route add -net 10.0.0.0/8/8 gw 10.50.0.2
route add -net /8 gw 10.50.0.2
route add 010.1.1.1 gw 10.50.0.2
route add 0x0a.1.1.1 gw 10.50.0.2
route add 1.2.3.4 gw 10.50.2
route add 1.2.3.4 gw 10.50.0.2/24
route add 1.2.3.4 gw loopback
route add 1.2.3.4 gw 0x0a320002
route add -host 1.2.3.4/24 gw 10.50.0.2
route add 1.2.3.4/33 gw 10.50.0.2; prefix-range
route add -net 0.0.0.0/33 gw 10.50.0.2; prefix-range
route add -net 10.0.0.0/+8 gw 10.50.0.2
route add 1.2.3.4 metric foo gw 10.50.0.2
route add 1.2.3.4 metric +5 gw 10.50.0.2
route add 1.2.3.4 metric 0x10 gw 10.50.0.2; number-words
route add 1.2.3.4 metric 010 gw 10.50.0.2
route add 1.2.3.4 metric 5 metric 6 gw 10.50.0.2
route add 1.2.3.4 mss 64 gw 10.50.0.2
route add 1.2.3.4 mss 65536 gw 10.50.0.2
route add 1.2.3.4 mss 0x200 gw 10.50.0.2
route add 1.2.3.4 mss foo gw 10.50.0.2
route add 1.2.3.4 mss
route add 1.2.3.4 window foo gw 10.50.0.2
route add 1.2.3.4 window 128 gw 10.50.0.2
route add 1.2.3.4 window 128x gw 10.50.0.2; number-words
route add 1.2.3.4 window
route add 1.2.3.4 irtt
route add 1.2.3.4 irtt 1 gw 10.50.0.2
route add 1.2.3.4 irtt 100000 gw 10.50.0.2; number-words
route add 1.2.3.4 mss 1000 window 1000 irtt 40 metric 3 gw 10.50.0.2 dev d0 mod
route add 1.2.3.4 gw 10.50.0.2 dev d0 d0
route add 1.2.3.4 dev d0 gw 10.50.0.2
route add 1.2.3.4 gw 10.50.0.2 dev d0:1
route add 1.2.3.4 dev d0:1
route add 1.2.3.4 dev d0:2
route add 1.2.3.4 dev nosuch:1
route add 1.2.3.4 reject reject
route add 1.2.3.4 reject dev nosuch
route add 1.2.3.4 reject gw nosuch
route add 1.2.3.4 reject mss 1000
route add 1.2.3.4 -net
route add -- 1.2.3.4 gw 10.50.0.2
route -- add 1.2.3.4 gw 10.50.0.2
route -n add 1.2.3.4 gw 10.50.0.2
route add 1.2.3.4 gw 10.50.0.2 -n -e
route add -v -net 10.0.0.0/8 gw 10.50.0.2
route -4 add -net 10.0.0.0/8 gw 10.50.0.2
route add -net -v 10.0.0.0/8 gw 10.50.0.2
route add -net -net 10.0.0.0/8 gw 10.50.0.2
route add net 10.0.0.0/8 gw 10.50.0.2
route add 10.0.0.0/8 -net gw 10.50.0.2
route add default gw -host
route add localhost gw localhost
route add -net localhost dev lo
route add -host loopback dev lo
route add link-local/16 dev d0
route -F add 1.2.3.4 gw 10.50.0.2
route add 1.2.3.4 gw 224.0.0.1 dev d0
route add 1.2.3.4 gw 255.255.255.255 dev d0
route add 1.2.3.4 gw 0.1.2.3 dev d0
route add 1.2.3.4 gw 10.50.0.77
route add -net 224.0.0.0 netmask 240.0.0.0 gw 10.50.0.2
route add 255.255.255.255 dev d0
`

// routeDelLines adds and deletes IPv4 routes, in sequence.
const routeDelLines = `
route add default gw 10.50.0.2
route add default gw 10.50.0.2
route add default gw 10.50.0.3
route add default gw 10.50.0.2 metric 10
route add default gw 10.50.0.3 metric 10
route add default dev d1
route add default dev d1 metric 20
route -n
route -en
route -een
route del default gw 10.50.0.9
route del default metric 20
route del default metric 10 gw 10.50.0.2
route del default
route del default
route add default gw 10.50.0.2 metric 7
route del default gw 10.50.0.2
route add -net 10.0.0.0/8 gw 10.50.0.2
route del 10.0.0.0
route del -net 10.0.0.0
route del -net 10.0.0.0 gw 10.50.0.2
route del -host 10.0.0.0
route del 10.0.0.0/8
route del -net 10.0.0.0/9
route del -net 10.0.0.0/8 dev d1
route del -net 10.0.0.0/8 gw 10.50.0.3
route del -net 10.0.0.0/8 metric 0
route del -net 10.0.0.0 netmask 255.0.0.0
route add -net 10.0.0.0/8 gw 10.50.0.2
route delete -net 10.0.0.0/8
route add 1.2.3.4 gw 10.50.0.2
route del -net 1.2.3.4 netmask 255.255.255.255
route add 1.2.3.4 gw 10.50.0.2
route del 1.2.3.4
route del 1.2.3.4
route add -host 1.2.3.4 gw 10.50.0.2
route del -net 1.2.3.4
route del -host 1.2.3.4/32
route add -net 10.0.0.0/8 reject
route del -net 10.0.0.0/8
route del -net 10.0.0.0/8 reject
route add -host 9.9.9.9 reject
route -n
route
route -en
route -een
route del 9.9.9.9
route del 9.9.9.9 reject
ip route add blackhole 20.0.0.0/8
ip route add prohibit 21.0.0.0/8
ip route add unreachable 22.0.0.0/8
ip route add throw 23.0.0.0/8
ip route add 24.0.0.0/8 nexthop via 10.50.0.2 dev d0 nexthop via 10.51.0.2 dev d1 weight 2
ip route add 25.0.0.0/8 via 10.50.0.2 dev d0 metric 4000000000
ip route add 26.0.0.0/8 via inet6 2001:db8:50::2 dev d0
ip route add 27.0.0.0/8 tos 0x10 via 10.50.0.2 dev d0
ip route add 28.0.0.0/8 via 10.50.0.2 dev d0 mtu 1300 window 4000 rtt 6ms advmss 1200
ip route add 29.0.0.0/8 via 10.50.0.2 dev d0 table 77
ip route add 30.0.0.0/8 via 99.1.1.1 dev d0 onlink
ip nexthop add id 7 via 10.50.0.7 dev d0
ip nexthop add id 8 via 10.50.0.8 dev d0
ip nexthop add id 9 group 7/8
ip route add 31.0.0.0/8 nhid 7
ip route add 32.0.0.0/8 nhid 9
route -n
route
route -en
route -een
route del -net 20.0.0.0/8
route del -net 24.0.0.0/8
route del -net 25.0.0.0/8
route del -net 26.0.0.0/8
route del -net 27.0.0.0/8
route del -net 29.0.0.0/8
route del -net 31.0.0.0/8
route del -net 32.0.0.0/8
route del -net 10.50.0.0/24
ip link set d1 down
route add -net 50.0.0.0/8 dev d1
route add 33.0.0.0/8 reject
route del default gw 0.0.0.0 dev d0
route add default dev d0
route del default gw 0.0.0.0 dev d0
route del 1.2.3.4 dev nosuch
route add 1.2.3.4 dev d0:1
route add 1.2.3.4 gw 10.50.0.1
route del 1.2.3.4 gw 10.50.0.1
route del 1.2.3.4 dev d0
route add 1.2.3.4 dev d0:1
route del 1.2.3.4 dev d0:1
route del -net 28.0.0.0/8 gw 10.50.0.2 mss 9
route del -net 28.0.0.0/8 mss 1240
route del -net 30.0.0.0/8 gw 99.1.1.1
route del 0.0.0.0/0; zero-prefix
reset
ip route add unreachable 10.70.0.0/16
route del -net 10.70.0.0/16 reject; route-types
reset
ip route add blackhole 10.71.0.0/16
route del -net 10.71.0.0/16
route del -net 10.71.0.0/16 blackhole; route-types
reset
ip route add prohibit 10.71.0.0/16
ip route add throw 10.72.0.0/16
route del -net 10.71.0.0/16 prohibit; route-types
route del -net 10.72.0.0/16 throw; route-types
reset
ip route add 10.73.0.0/16 dev d0 tos 0x10
route del -net 10.73.0.0/16
route del -net 10.73.0.0/16 tos 0x10; route-types
reset
ip route add 10.74.0.0/16 dev d0 table 100
route del -net 10.74.0.0/16
route del -net 10.74.0.0/16 table 100; route-types
route add -net 10.75.0.0/16 blackhole; route-types
`

// routeV6Lines adds, lists and deletes IPv6 routes, in sequence; reset goes back to the layout.
const routeV6Lines = `
route -6 add 2001:db8:77::/48 dev d0
route -6 add 2001:db8:77::/48 dev d0
route -6 add 2001:db8:77::/48 gw 2001:db8:50::2
route -6 add 2001:db8:77::/48 gw 2001:db8:50::2 metric 50
route -6 add default gw 2001:db8:50::2
route -6 add default gw fe80::1
route -6 add default gw fe80::1 dev d0 metric 9
route -6 add ::/0 gw 2001:db8:50::3 metric 11
route -6 add 2001:db8:99::1 gw 2001:db8:50::2; v6-host-onlink
reset
route -6 add 2001:db8:99::1/128 dev d0 metric 4; v6-host-onlink
reset
route -6 add 2001:db8:98::1/64 dev d0
route -6 add 2001:db8:98::/129 dev d0
route -6 add 2001:db8:98::/-1 dev d0
route -6 add 2001:db8:98::/6x dev d0; prefix-range
reset
route -6 add 2001:db8:97::/64 d0
route -6 add 2001:db8:96::/64 dev nosuch
route -6 add 2001:db8:96::/64
route -6 add 2001:db8:96::/64 gw 2001:db8:ffff::1
route -6 add 2001:db8:96::/64 gw nosuch
route -6 add nosuch.invalid gw 2001:db8:50::2
route -6 add 10.0.0.0/8 gw 2001:db8:50::2
route -6 add 2001:db8:95::/64 reject
route -6 add 2001:db8:95::/64 reject dev lo
route -6 add 2001:db8:95::/64 mtu 1300 dev d0
route -6 add 2001:db8:94::/64 dev d0 metric 0
route -6 add 2001:db8:93::/64 dev d0 metric 4294967295
route -6 add 2001:db8:92::/64 dev d0 metric 3000000000
route -6 add -net 2001:db8:91::/64 dev d0
route -6 add 2001:db8:8e::/64 gw 2001:db8:50::2 dev d1
route -A inet6 add 2001:db8:8d::/64 d0
route --inet6 add 2001:db8:8c::/64 d0
route --ip6 add 2001:db8:8b::/64 d0; route-bad-option
reset
route -6n
route -6
route -6Cn
route -6n
reset
route -6 add 2001:db8:90::/64 dev d0 mod
route -6 add 2001:db8:8f::/64 dev d0 dyn
route -6n; v6-mod-dyn
reset
route -6 add default dev d0
route -6 add default/64 dev d0
route -6 add :: dev d0; v6-host-onlink
reset
route -6 add 2001:db8:9::/ dev d0; prefix-range
route -6 add 2001:db8:9::/x dev d0; prefix-range
route -6 add 2001:db8:9::/0x30 dev d0; prefix-range
reset
route -6 add 2001:db8:9::/030 dev d0
route -6 add 2001:db8:9::/+48 dev d0
route -6 add 2001:db8:a::/48 dev d0 metric foo
route -6 add 2001:db8:a::/48 dev d0 metric 5x; number-words
reset
route -6 add 2001:db8:a::/48 dev d0 metric
route -6 add 2001:db8:a::/48 dev d0 metric 4294967296; number-words
reset
route -6 add 2001:db8:b::/48 metric 3 d0
route -6 add 2001:db8:c::/48 d0 metric 3
route -6 add 2001:db8:d::/48 device d0
route -6 add 2001:db8:e::/48 dev d0 dev d0
route -6 add 2001:db8:f::/48 dev
route -6 add 2001:db8:10::/48 gateway 2001:db8:50::2
route -6 add 2001:db8:11::/48 gw 2001:db8:50::2 gw 2001:db8:50::3
route -6 add 2001:db8:12::/48 gw ::
route -6 add 2001:db8:12::/48 gw :: dev d0
route -6 add 2001:db8:12::/48 gw
route -6 add 2001:db8:12::/48 gw default
route -6 add 2001:db8:12::/48 gw localhost
route -6 add 2001:db8:12::/48 gw 10.50.0.2
route -6 add 2001:db8:12::/48 gw fe80::2%d0
route -6 add 2001:db8:12::/48 mod dyn reinstate dev d0
route -6 add 2001:db8:12::/48 netmask ffff:: dev d0
route -6 add -host 2001:db8:9::1 dev d0
route -6 add 1::2::3 dev d0
route -6 add 10.1.2.3 dev d0
route -6 add localhost.invalid dev d0
route -6C add 2001:db8:13::/48 dev d0
route -6 add 2001:db8:14::/48 dev d0 d1
route -6 add ::1.2.3.4/126 dev d0
route -6n
reset
route -6 add 2001:db8:77::/48 dev d0
route -6 add 2001:db8:77::/48 gw 2001:db8:50::2
route -6 add 2001:db8:77::/48 gw 2001:db8:50::3
route -6 add 2001:db8:77::/48 gw 2001:db8:50::2 metric 50
route -6 add default gw 2001:db8:50::2
route -6 add default gw fe80::1 dev d0 metric 9
route -6 add 2001:db8:97::/64 d0
ip -6 route add 2001:db8:a3::/48 metric 1 nexthop via 2001:db8:50::2 dev d0 nexthop via 2001:db8:50::3 dev d0
ip -6 route add unreachable 2001:db8:a1::/48 metric 1
ip -6 route add 2001:db8:a4::/48 from 2001:db8:50::/64 via 2001:db8:50::2 dev d0 metric 1
route -6 del 2001:db8:77::/48
route -6 del 2001:db8:77::/48 gw 2001:db8:50::3
route -6 del 2001:db8:77::/48 gw 2001:db8:50::2
route -6 del 2001:db8:77::/48 metric 50
route -6 del 2001:db8:77::/48
route -6 del default
route -6 del default gw fe80::1; v6-del-metric
reset
route -6 add default gw fe80::1 dev d0 metric 9
route -6 del default metric 9
route -6 add 2001:db8:97::/64 d0
route -6 del 2001:db8:97::/64 d1
route -6 del 2001:db8:97::/64 dev nosuch
route -6 del 2001:db8:97::/64 d0
route -6 del 2001:db8:fff::/64
ip -6 route add 2001:db8:a3::/48 metric 1 nexthop via 2001:db8:50::2 dev d0 nexthop via 2001:db8:50::3 dev d0
route -6 del 2001:db8:a3::/48
route -6 del 2001:db8:a3::/48
ip -6 route add 2001:db8:a3::/48 metric 1 nexthop via 2001:db8:50::2 dev d0 nexthop via 2001:db8:50::3 dev d0
route -6 del 2001:db8:a3::/48 gw 2001:db8:50::3
ip -6 route add unreachable 2001:db8:a1::/48 metric 1
route -6 del 2001:db8:a1::/48
ip -6 route add 2001:db8:a4::/48 from 2001:db8:50::/64 via 2001:db8:50::2 dev d0 metric 1
route -6 del 2001:db8:a4::/48
ip -6 route add 2001:db8:a5::/48 via 2001:db8:50::2
route -6 del 2001:db8:a5::/48 metric 7
route -6 del 2001:db8:a5::/48 metric 0
ip -6 route add 2001:db8:a6::/48 via 2001:db8:50::2
route -6 del 2001:db8:a6::/48; v6-del-metric
reset
route -6 del nosuch.invalid
route -6 del 2001:db8:9::/48 gw 1.2.3.4
route -6 flush
route -6 del
route -6 add
route -6 foo
reset
ip -6 route add blackhole 2001:db8:71::/48
ip -6 route add 2001:db8:72::/48 dev d0 table 100
route -6 del 2001:db8:71::/48 blackhole; route-types
route -6 del 2001:db8:72::/48 table 100; route-types
route -6 add 2001:db8:73::/48 prohibit; route-types
`

// routeUsageLines lists, and gets command lines wrong.
const routeUsageLines = `
route -n
route
route -e
route -en
route -een
route -eeen; route-extend-again
route -eeeen; route-extend-again
route -Cn
route -FCn
route -6Cn
route -6n
route -6
route -6e
route -4 -6 -n
route -6 -4 -n
route -A inet,inet6 -n
route -A inet6 -A inet -n
route -A ip
route -A ip6
route --inet
route --in
route --ip
route --inet6
route --protocol=inet
route --num
route --sym
route --ext
route --verb
route --ca
route --fi
route -N
route -v
route -A foo
route -A inet,foo
route -A unix
route -A ash
route -A ax25; route-families
route --ipx; route-families
route -y; route-bad-option
route --numeric-hosts; route-bad-option
route -A; route-bad-option
route --protocol; route-bad-option
route -nx add default gw 10.50.0.2; route-bad-option
route foo
route Add 1.2.3.4
route print
route -net
route -net add default gw 10.50.0.2
route flush; route-flush
route flush foo; route-flush
route -4 flush
route -C add default gw 10.50.0.2
route -C del default
route -C flush
route -FC add 1.2.3.4 gw 10.50.0.2
route -A inet,inet6 add default gw 10.50.0.2
route -6 -4 add default gw 10.50.0.2
route add; no-target
route del; no-target
route delete; no-target
route add -net
route add -host
`

// routeNobodyLines is run without CAP_NET_ADMIN.
const routeNobodyLines = `
route add default gw 10.50.0.2
route add default dev nosuch
route add -net 10.0.0.0 gw 10.50.0.2
route add -net 10.0.0.0/8 gw 0.0.0.0
route add -net 10.0.0.0/8 reject
route add 1.2.3.4 dev d0:9
route del default
route del default dev nosuch
route del -net 10.50.0.0/24
route -6 add 2001:db8:9::/48 dev d0
route -6 add 2001:db8:9::/48 dev nosuch
route -6 del 2001:db8:9::/48
route -6 del 2001:db8:50::/64 metric 256
route -n
route -een
route -6n
`

// routeListingSetup makes one route of each look.
const routeListingSetup = `
route add default gw 10.50.0.2
route add -net 10.0.0.0/8 gw 10.50.0.2 metric 100
route add -host 9.9.9.9 reject
route add -net 11.0.0.0/8 mss 1400 window 8192 irtt 300 dev d1
ip route add blackhole 20.0.0.0/8
ip route add 25.0.0.0/8 via 10.50.0.2 dev d0 metric 4000000000
ip route add 26.0.0.0/8 via inet6 2001:db8:50::2 dev d0
ip route add 27.0.0.0/8 dev averylongifname
ip -6 route add 2001:db8:92::/64 dev d0 metric 3000000000
ip -6 route add 2001:db8:1234:5678:9abc:def0:1234:5678 dev averylongifname
ip -6 route add ::1.2.3.4 dev d0
ip -6 route add ::ffff:1.2.3.4 dev d0
`

// routeSymbolicLines needs /etc/hosts and /etc/networks.
const routeSymbolicLines = `
route add default gw gw1
route add -net mynet netmask 255.255.0.0 gw a-very-long-gateway-name.example.com
route add -net homenet netmask 255.255.255.0 gw gw1
route add -net home-alias netmask 255.255.255.0 gw 10.50.0.3
route add hostseven gw gw1
route add -host 10.7.7.8 dev d0
route add -net hostseven netmask 255.255.255.255 dev d1
route add mynet netmask 255.255.0.0 dev d1
route add hostseven gw mynet
route -6 add netsix/48 gw 2001:db8:50::2
route
route -n
route -N
route -e
route -ee
route -v
route -6
route del hostseven
route del -net homenet netmask 255.255.255.0 gw gw1
`
