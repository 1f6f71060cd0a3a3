# What one does with roam6. Everything needs Go (see go.mod for the version); `make test` installs the rest it needs.

prefix  ?= /usr/local
bindir   = $(prefix)/bin
mandir   = $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd/system

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOBUILD  = CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=$(VERSION)"

.PHONY: help build demo test quick vm wireguard-go go-diameter gokrb5 bench conformance install uninstall clean

help:
	@echo 'make build      ./roam6, one static binary'
	@echo 'make demo       a voice call through three fast handovers, in network namespaces on this machine; no root'
	@echo 'make test       every check, the quick ones first (as root it installs what they need)'
	@echo 'make quick      format, vet, lint, house rules, unit tests'
	@echo 'make vm         on Debian'\''s own kernel, in a virtual machine (docs/vm.md)'
	@echo 'make bench      how fast codecs, plane and simulator are'
	@echo 'make install    what make build made: binary, manual pages, completion, systemd units, into $$(DESTDIR)$(prefix)'
	@echo 'make clean      remove what was made here'

# Always built: the Go tool knows better than make what is up to date.
build:
	@echo 'building ./roam6 $(VERSION) (the first time this takes a minute)'
	@$(GOBUILD) -o roam6 ./cmd/roam6

demo: build
	@ci/demo ./roam6

test:
	@ci/check

quick:
	@ci/check format vet lint house unit

vm: build
	@ci/vm/run ./roam6

# A peer of `roam6 bench soft`; no part of the product.
wireguard-go:
	@CGO_ENABLED=0 go build -modfile=tools/go.mod -buildvcs=false -trimpath -o wireguard-go golang.zx2c4.com/wireguard

# The program by which `roam6 bench aaa` measures the library of that name; no part of the product.
go-diameter:
	@CGO_ENABLED=0 go -C tools build -buildvcs=false -trimpath -o ../go-diameter ./go-diameter

# The same for `roam6 bench kdc`.
gokrb5:
	@CGO_ENABLED=0 go -C tools build -buildvcs=false -trimpath -o ../gokrb5 ./gokrb5

bench:
	go test -run '^$$' -bench . -benchmem ./wire/... ./keying/... ./plane ./engine ./machine/... ./sim ./driver

# What is made from the code: the conformance table, from the marks in code and tests, and the output of roam6 that papers show.
conformance:
	go test . -run 'TestConformance|TestPaperOutput' -update

# Not built here: sudo knows another PATH, where Go may not be, and root should build nothing in your directory.
install:
	@test -x roam6 || { echo 'there is no ./roam6 to install; what to do: make build (as yourself), then: sudo make install' >&2; exit 1; }
	install -D -m 755 roam6 '$(DESTDIR)$(bindir)/roam6'
	./roam6 gen-man dist/man
	mkdir -p '$(DESTDIR)$(mandir)/man1'
	install -m 644 dist/man/*.1 '$(DESTDIR)$(mandir)/man1'
	mkdir -p '$(DESTDIR)$(prefix)/share/bash-completion/completions' '$(DESTDIR)$(prefix)/share/zsh/site-functions' '$(DESTDIR)$(prefix)/share/fish/vendor_completions.d'
	./roam6 completion bash >'$(DESTDIR)$(prefix)/share/bash-completion/completions/roam6'
	./roam6 completion zsh >'$(DESTDIR)$(prefix)/share/zsh/site-functions/_roam6'
	./roam6 completion fish >'$(DESTDIR)$(prefix)/share/fish/vendor_completions.d/roam6.fish'
	mkdir -p '$(DESTDIR)$(unitdir)'
	for unit in roam6@ roam6-aaa@ roam6-kdc@; do sed 's|/usr/local/bin|$(bindir)|' "examples/systemd/$$unit.service" >'$(DESTDIR)$(unitdir)'/"$$unit.service" || exit 1; done

uninstall:
	rm -f '$(DESTDIR)$(bindir)/roam6' '$(DESTDIR)$(mandir)'/man1/roam6.1 '$(DESTDIR)$(mandir)'/man1/roam6-*.1
	rm -f '$(DESTDIR)$(prefix)/share/bash-completion/completions/roam6' '$(DESTDIR)$(prefix)/share/zsh/site-functions/_roam6'
	rm -f '$(DESTDIR)$(prefix)/share/fish/vendor_completions.d/roam6.fish' '$(DESTDIR)$(unitdir)/roam6@.service' '$(DESTDIR)$(unitdir)/roam6-aaa@.service' '$(DESTDIR)$(unitdir)/roam6-kdc@.service'

clean:
	rm -rf roam6 dist demo-report
