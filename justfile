# Short names for what a developer does all day. `just` lists them; nothing here is needed to build.

_default:
    @just --list --unsorted

# Everything a change must pass before it is committed, bar the suites that drive the real binary.
check: fmt-check lint deny
    cargo xtask check
    cargo xtask specs --check
    cargo test --workspace --quiet

# All of it, as continuous integration does.
test *PARTS:
    ./scripts/test {{ PARTS }}

# Start the demo server on http://localhost:8080.
dev *ARGS:
    cargo run --release -- dev {{ ARGS }}

fmt:
    cargo fmt --all

fmt-check:
    cargo fmt --all --check

lint:
    cargo clippy --workspace --all-targets --quiet -- -D warnings

# Licences, bans and advisories; `cargo xtask check` holds the first two where cargo-deny is missing.
deny:
    @if command -v cargo-deny > /dev/null; then cargo deny --all-features check; else echo "cargo-deny is not installed: advisories not checked (cargo install cargo-deny)"; fi

# Write the generated documents again.
generate:
    cargo xtask specs

bench *ARGS:
    cargo run --release -p valetkey-bench -- {{ ARGS }}
