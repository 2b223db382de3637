//! The table of rows: what each is called, what it has to reach, and who measures it.

use anyhow::Result;

use super::{full, gateway, grants, logins, postgres, stateless};
use crate::goals::Limit::{AtLeast, AtMost};
use crate::goals::{Goal, Of, first, speed};
use crate::measure::Stage;
use crate::report::Figures;

/// One line of the result.
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) goals: &'static [Goal],
    pub(super) run: fn(&Stage) -> Result<Figures>,
}

const fn row(
    name: &'static str,
    what: &'static str,
    goals: &'static [Goal],
    run: fn(&Stage) -> Result<Figures>,
) -> Definition {
    Definition { name, what, goals, run }
}

/// A million users, a million grants and 100,000 clients must not be felt.
const fn full(name: &'static str, what: &'static str, run: fn(&Stage) -> Result<Figures>) -> Definition {
    const GOALS: &[Goal] = &[speed(Of::Basis, AtLeast(0.90))];
    row(name, what, GOALS, run)
}

pub(super) const ROWS: &[Definition] = &[
    row(
        "cc",
        "client credentials, sealed token",
        &[first(Of::Bare, AtLeast(0.60)), speed(Of::Bare, AtLeast(0.75))],
        stateless::sealed,
    ),
    row(
        "cc-eddsa",
        "client credentials, JWT EdDSA",
        &[first(Of::Bare, AtLeast(0.26)), speed(Of::Basis, AtLeast(0.85))],
        stateless::eddsa,
    ),
    row("cc-es256", "client credentials, JWT ES256", &[speed(Of::Basis, AtLeast(0.85))], stateless::es256),
    row("cc-rs256", "client credentials, JWT RS256", &[speed(Of::Basis, AtLeast(0.85))], stateless::rs256),
    row(
        "introspection",
        "introspection of distinct sealed tokens",
        &[first(Of::Bare, AtLeast(0.65)), speed(Of::Bare, AtLeast(0.75))],
        stateless::introspection,
    ),
    row("refresh", "refresh with rotation, durable", &[speed(Of::Basis, AtLeast(0.70))], grants::refresh),
    row("refresh-256", "the same, 256 connections", &[speed(Of::Basis, AtLeast(0.70))], grants::refresh_wide),
    row("refresh-pg", "refresh on PostgreSQL", &[speed(Of::Basis, AtLeast(0.70))], postgres::refresh),
    row(
        "refresh-pg-256",
        "the same, 256 connections",
        &[speed(Of::Basis, AtLeast(0.70))],
        postgres::refresh_wide,
    ),
    row(
        "code",
        "code flow, live session: authorize, token",
        &[speed(Of::Basis, AtLeast(0.50))],
        grants::code_flow,
    ),
    row("login", "password login", &[speed(Of::Basis, AtLeast(0.95))], logins::password),
    row(
        "cc-while-logins",
        "client credentials, 1,000/s, while logins run",
        &[speed(Of::Basis, AtMost(2.0))],
        logins::client_credentials_meanwhile,
    ),
    row(
        "nodes",
        "JWT RS256 by two servers on PostgreSQL",
        &[speed(Of::Basis, AtLeast(1.70))],
        postgres::nodes,
    ),
    full("cc-full", "full store: client credentials, sealed", full::sealed),
    full("cc-eddsa-full", "full store: client credentials, EdDSA", full::eddsa),
    full("introspection-full", "full store: introspection", full::introspection),
    full("refresh-full", "full store: refresh", full::refresh),
    full("refresh-256-full", "full store: refresh, 256 connections", full::refresh_wide),
    full("code-full", "full store: code flow", full::code),
    full("login-full", "full store: password login", full::logins),
    full("gateway-full", "full store: through the gateway", gateway::through_full),
    // Last: the API they register is implied by tokens for no API in particular.
    row(
        "gateway",
        "through the gateway to an echo, sealed token",
        &[first(Of::Basis, AtLeast(0.75)), speed(Of::Basis, AtLeast(0.85))],
        gateway::through,
    ),
    row(
        "forward-auth",
        "what nginx asks before a request",
        &[first(Of::Bare, AtLeast(0.60))],
        gateway::forward_auth,
    ),
];
