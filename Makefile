# What a person or a script runs here. Each target installs what it lacks first.
.PHONY: setup build demo test test-long audit torture bench-switch bench-verify bench-follow bench-schema bench-load bench-shadow bench-log bench-window screenshots fmt clean

# Everything development needs.
setup:
	@scripts/setup.sh test

# The desktop app and the command line, in target/debug.
build:
	@scripts/setup.sh build
	@cd ui && npm run --silent build >&2
	@cargo build -p switchyard -p switchyard-cli

# Where cargo puts what it builds: a person's own configuration may say so, and not the environment alone.
built = "$$(cargo metadata --no-deps --offline --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/debug"

# Real servers, a workload, and the window on the migration between them. HEADLESS=1 makes the whole journey without a
# window; the last line of stdout is then one JSON object with the run's figures. SCALE=0.05 takes fewer rows. What is built at
# once is compiled once: apart, two packages ask different features of the same libraries.
demo:
ifneq ($(HEADLESS),1)
	@[ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || { echo "demo: there is no screen here for the window; the journey without one is:  make demo HEADLESS=1" >&2; exit 2; }
endif
	@scripts/setup.sh demo
ifeq ($(HEADLESS),1)
	@cargo build $(or $(BUILD),-p switchyard-demo --bin switchyard-demo)
	@$(built)/switchyard-demo --headless
else
	@cd ui && npm run --silent build >&2
	@cargo build -p switchyard-demo -p switchyard --bin switchyard-demo --bin switchyard
	@$(built)/switchyard-demo --window
endif

# What continuous integration runs.
test:
	@scripts/test.sh

# Tests that take long and prove little more than those of `make test`.
test-long:
	@scripts/setup.sh test
	@cargo nextest run -p switchyard-engine -p switchyard-cli --run-ignored only -E 'test(15_to_15)'

# Licences and sources of all crates, known holes in crates and packages; what needs a network and has none is said.
audit:
	@scripts/audit.sh install

# Random faults at random points of a switch and its way back, while an application writes: RUNS=30 of them, JOBS=1 at a time; SEED=s
# repeats what it was printed for. The last lines are a table of faults by points; docs/guide/torture.md says how to read it.
torture:
	@scripts/setup.sh test
	@TORTURE_RUNS=$(or $(RUNS),30) TORTURE_SEED=$(SEED) TORTURE_JOBS=$(JOBS) cargo test --quiet -p switchyard-cli --test torture -- --ignored --nocapture random_runs

# The write pause: 20 switches, half of them rollbacks, beside an empty PAUSE/RESUME.
bench-switch:
	@scripts/setup.sh demo
	@cargo run --quiet --release -p switchyard-demo --bin switchyard-demo -- --bench-switch

# A comparison of 5 M rows, of 2 000 tables, of 300 columns and of 1 MB values beside its floor; of the first also beside reladiff, where it is installed.
bench-verify:
	@scripts/setup.sh demo
	@cargo run --quiet --release -p switchyard-demo --bin switchyard-demo -- --bench-verify

# What the next verdict costs after a full pass over 5 M rows of which 5 000 have changed.
bench-follow:
	@scripts/setup.sh demo
	@cargo run --quiet --release -p switchyard-demo --bin switchyard-demo -- --bench-follow

# How long the schemas of 1 500 tables take to be read and compared.
bench-schema:
	@scripts/setup.sh demo
	@cargo test --release -p switchyard-engine --test schema -- --ignored --nocapture figures

# The load generator beside pgbench: the same statement at the same rates on one server.
bench-load:
	@scripts/setup.sh demo
	@cargo run --quiet --release -p switchyard-demo --bin switchyard-demo -- --bench-load

# What shadow reads cost: processor time at 500 comparisons a second, and memory over results of 100 000 rows.
bench-shadow:
	@scripts/setup.sh demo
	@cargo test --quiet --release -p switchyard-engine --test shadow_speed -- --ignored --nocapture

# How fast a server's log is read, in each of its forms, on one core.
bench-log:
	@cargo test --quiet --release -p switchyard-queries --test speed -- --ignored --nocapture

# What the open window costs at 1 Hz on 200 tables, how soon it shows its first figures, and what the engine's sessions cost
# the source; a release build on a screen of its own. The last lines are rows for docs/benchmarks.md.
bench-window:
	@scripts/setup.sh test
	@scripts/window-tests.sh window_cost

# Every screen in both themes, into screenshots/.
screenshots:
	@scripts/setup.sh test
	@scripts/window-tests.sh screenshots

fmt:
	@cargo fmt --all

# What was built and downloaded into this folder; fetched servers stay in the cache.
clean:
	@cargo clean
	@rm -rf ui/dist ui/node_modules screenshots .rig
