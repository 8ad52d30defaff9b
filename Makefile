# gnet. `make` builds bin/gnet; `make help` lists the targets.
#
# Needs Go and make. What a target needs beyond that is said beside it.

GO       ?= go
PREFIX   ?= /usr/local
DESTDIR  ?=
FUZZTIME ?= 60s
# LINKS=1 also installs links netstat, route, ping and tracepath that lead to gnet.
LINKS    ?= 0
# What make bench measures: sockets, descriptors, million, routes, echoes, idle, truth,
# targets, path, trace, views, capture, live, start; empty: all, which takes minutes.
SECTION  ?=
# How many runs make soak makes, half of them against the kernel.
RUNS     ?= 1000
# What turns a test's skip into a failure: netns,raw,tun,peers,root.
GNET_REQUIRE ?=
export GNET_REQUIRE

# A tree without git (a release tarball) says so.
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
MTIME    := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
LDFLAGS  := -s -w -X main.version=$(VERSION)
STATIC   := CGO_ENABLED=0 GOOS=linux
BUILD    := $(GO) build -trimpath -ldflags "$(LDFLAGS)"

BINDIR   := $(DESTDIR)$(PREFIX)/bin
MANDIR   := $(DESTDIR)$(PREFIX)/share/man
BASHDIR  := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR   := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISHDIR  := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
LINKED   := netstat route ping tracepath

.DELETE_ON_ERROR:
.PHONY: build help demo test install uninstall install-ping dist lint fuzz bench soak cover fmt clean

SOURCES  := go.mod go.sum $(shell find cmd internal man procnet routes ping stackprobe -type f 2>/dev/null)

# go vet, run and test must not fail where git distrusts the tree's owner.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

build: ## build the static binary bin/gnet (default)
	$(STATIC) $(BUILD) -o bin/gnet ./cmd/gnet

# For install: after `make`, `sudo make install` builds nothing, since root may have
# neither Go nor git's trust in the tree.
bin/gnet: $(SOURCES)
	$(STATIC) $(BUILD) -o $@ ./cmd/gnet

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' Makefile

demo: build ## show gnet on real data in namespaces of its own
	@$(GO) run ./internal/nstest/demo bin/gnet

test: ## run all tests; GNET_REQUIRE=netns,raw,tun,peers turns skips into failures
	$(GO) test -timeout 75m ./...

install: bin/gnet ## install binary, man pages and completions below PREFIX
	install -d "$(BINDIR)" "$(BASHDIR)" "$(ZSHDIR)" "$(FISHDIR)"
	install -m 755 bin/gnet "$(BINDIR)/gnet"
	@set -e; for page in man/*.[158]; do \
		[ -e "$$page" ] || continue; \
		dir="$(MANDIR)/man$${page##*.}"; \
		install -d "$$dir"; \
		echo "bin/gnet help --man --roff $${page##*/} > $$dir/$${page##*/}"; \
		bin/gnet help --man --roff "$${page##*/}" > "$$dir/$${page##*/}"; \
		chmod 644 "$$dir/$${page##*/}"; \
	done
	bin/gnet completion bash > "$(BASHDIR)/gnet"
	bin/gnet completion zsh > "$(ZSHDIR)/_gnet"
	bin/gnet completion fish > "$(FISHDIR)/gnet.fish"
	@if [ "$(LINKS)" = 1 ]; then set -e; for name in $(LINKED); do \
		if [ -e "$(BINDIR)/$$name" ] && [ ! -L "$(BINDIR)/$$name" ]; then \
			echo "$(BINDIR)/$$name is a program of its own: left alone" >&2; continue; \
		fi; \
		ln -sfn gnet "$(BINDIR)/$$name"; echo "ln -s gnet $(BINDIR)/$$name"; \
	done; fi

uninstall: ## remove what install and install-ping made
	rm -f "$(BASHDIR)/gnet" "$(ZSHDIR)/_gnet" "$(FISHDIR)/gnet.fish"
	@set -e; for page in man/*.[158]; do \
		rm -f "$(MANDIR)/man$${page##*.}/$${page##*/}"; \
	done
	@set -e; for name in $(LINKED); do \
		if [ "$$(readlink "$(BINDIR)/$$name" || :)" = gnet ]; then rm -f "$(BINDIR)/$$name"; fi; \
	done
	@if [ -f "$(BINDIR)/ping" ] && "$(BINDIR)/ping" -V 2>/dev/null | grep -q gnet; then rm -f "$(BINDIR)/ping"; fi
	rm -f "$(BINDIR)/gnet"

# One file capability on the whole of gnet would give every user all that any
# command may do with it. So ping gets a copy of its own, and cap_net_raw is only
# permitted, not effective: ping raises it while it opens its sockets.
install-ping: bin/gnet ## install a copy named ping that every user may run (root, setcap)
	install -d "$(BINDIR)"
	@if [ -L "$(BINDIR)/ping" ]; then rm -f "$(BINDIR)/ping"; fi
	install -m 755 bin/gnet "$(BINDIR)/ping"
	PATH="$$PATH:/usr/sbin:/sbin" setcap cap_net_raw+p "$(BINDIR)/ping"

# A tarball depends on the commit and the Go release alone: file times are the
# commit's, names are sorted, the owner is 0, gzip stores neither name nor time.
dist: build ## reproducible static tarballs for amd64 and arm64 in dist/ (GNU tar)
	rm -rf dist
	@set -e; for arch in amd64 arm64; do \
		name="gnet-$(VERSION)-linux-$$arch"; dir="dist/$$name"; \
		mkdir -p "$$dir/man" "$$dir/completions" "$$dir/licenses"; \
		$(STATIC) GOARCH=$$arch $(BUILD) -o "$$dir/gnet" ./cmd/gnet; \
		cp README.md LICENSE NOTICE "$$dir/"; \
		for page in man/*.[158]; do bin/gnet help --man --roff "$${page##*/}" > "$$dir/$$page"; done; \
		for shell in bash zsh fish; do bin/gnet completion $$shell > "$$dir/completions/gnet.$$shell"; done; \
		modules=$$($(STATIC) GOARCH=$$arch $(GO) list -deps -f '{{with .Module}}{{if not (or .Main .Replace)}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./cmd/gnet); \
		printf '%s\n' "$$modules" | LC_ALL=C sort -u | while read -r module from; do \
			[ -n "$$module" ] || continue; \
			mkdir -p "$$dir/licenses/$$module"; \
			cp "$$from"/LICENSE* "$$dir/licenses/$$module/"; \
		done; \
		find "$$dir" -type d -exec chmod 755 {} +; \
		find "$$dir" -type f -exec chmod 644 {} +; \
		chmod 755 "$$dir/gnet"; \
		LC_ALL=C tar --sort=name --mtime=@$(MTIME) --owner=0 --group=0 --numeric-owner --format=ustar \
			-C dist -cf "$$dir.tar" "$$name"; \
		gzip -n -9 -f "$$dir.tar"; \
		rm -rf "$$dir"; \
	done
	@cd dist && sha256sum *.tar.gz | tee SHA256SUMS

lint: ## gofmt, vet and staticcheck (pinned in tools/go.mod)
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w: $$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

# The targets are discovered, so that none is forgotten; finding none is a failure.
fuzz: ## run each fuzz target for FUZZTIME (60s)
	@set -e; list=$$($(GO) test -list '^Fuzz' ./...); \
	targets=$$(printf '%s\n' "$$list" | awk '/^Fuzz/ { t[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2 ":" t[i]; n = 0 }'); \
	[ -n "$$targets" ] || { echo "no fuzz target found" >&2; exit 1; }; \
	for target in $$targets; do \
		echo "== $$target"; \
		$(GO) test "$${target%%:*}" -run '^$$' -fuzz "^$${target##*:}$$" -fuzztime $(FUZZTIME); \
	done

bench: build ## gnet beside the installed originals, in one run (root); SECTION="sockets start"
	@$(GO) run ./internal/bench bin/gnet $(SECTION)

soak: ## random faults in both worlds, kernel and engine at either end (RUNS=1000)
	$(GO) test ./stackprobe -count=1 -run '^TestSoak$$' -v -timeout 4h -soak $(RUNS)

cover: ## test coverage by function, and bin/cover.html
	mkdir -p bin
	$(GO) test -coverprofile=bin/cover.out -coverpkg=./... ./...
	$(GO) tool cover -func=bin/cover.out | tail -n 1
	$(GO) tool cover -html=bin/cover.out -o bin/cover.html

fmt: ## gofmt everything
	gofmt -w .

clean: ## remove what was built
	rm -rf bin dist
