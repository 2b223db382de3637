//! The rules of the house as tables. `check` reads them; docs/architecture.md says why they are so.

/// What a crate may use of ours and must not use of others'.
pub(crate) struct Crate {
    pub(crate) name: &'static str,
    /// Crates of the workspace it may depend on.
    pub(crate) may: &'static [&'static str],
    /// Crates of the workspace that only its tests may use.
    pub(crate) tests_may: &'static [&'static str],
    /// Crates of others that would break what the crate promises.
    pub(crate) never: &'static [&'static str],
}

/// `valetkey → {web, gateway, store} → core`; nothing sideways, nothing upward; the testkit only in tests.
pub(crate) const CRATES: &[Crate] = &[
    Crate {
        name: "valetkey-core",
        may: &[],
        tests_may: &["valetkey-testkit"],
        never: &[
            "tokio",
            "axum",
            "hyper",
            "hyper-util",
            "http",
            "rusqlite",
            "tokio-postgres",
            "reqwest",
            "rand",
            "getrandom",
            "anyhow",
        ],
    },
    Crate {
        name: "valetkey-store",
        may: &["valetkey-core"],
        tests_may: &["valetkey-testkit"],
        never: &["axum", "hyper", "hyper-util", "http", "reqwest", "rand", "getrandom", "anyhow"],
    },
    Crate {
        name: "valetkey-web",
        may: &["valetkey-core"],
        tests_may: &["valetkey-testkit", "valetkey-store"],
        never: &["rusqlite", "tokio-postgres", "argon2", "reqwest", "rand", "getrandom", "anyhow"],
    },
    Crate {
        name: "valetkey-gateway",
        may: &["valetkey-core"],
        tests_may: &["valetkey-testkit", "valetkey-store"],
        never: &["rusqlite", "tokio-postgres", "argon2", "reqwest", "rand", "getrandom", "anyhow"],
    },
    // The guarded way to other people's servers.
    Crate {
        name: "valetkey-fetch",
        may: &["valetkey-core"],
        tests_may: &[],
        never: &["rusqlite", "tokio-postgres", "argon2", "reqwest", "rand", "getrandom", "anyhow"],
    },
    Crate {
        name: "valetkey",
        may: &["valetkey-core", "valetkey-store", "valetkey-web", "valetkey-gateway", "valetkey-fetch"],
        tests_may: &["valetkey-testkit"],
        never: &["rusqlite", "tokio-postgres", "rand", "getrandom"],
    },
    Crate {
        name: "valetkey-testkit",
        may: &["valetkey-core", "valetkey-store", "valetkey-web", "valetkey-gateway", "valetkey-fetch"],
        tests_may: &[],
        never: &["reqwest"],
    },
    // For anybody's API; it knows a server by the standards alone.
    Crate {
        name: "valetkey-guard",
        may: &[],
        tests_may: &[],
        never: &["rusqlite", "tokio-postgres", "argon2", "reqwest", "rand", "getrandom", "anyhow"],
    },
    // What drives the binary from outside knows it only by its contract.
    Crate { name: "valetkey-bench", may: &[], tests_may: &[], never: &["reqwest"] },
    Crate { name: "valetkey-person", may: &[], tests_may: &[], never: &[] },
    Crate { name: "valetkey-faults", may: &["valetkey-person"], tests_may: &[], never: &[] },
    Crate { name: "valetkey-client-tests", may: &[], tests_may: &["valetkey-person"], never: &[] },
    Crate { name: "xtask", may: &[], tests_may: &[], never: &["tokio"] },
];

/// The only file of the binary that may name both the web crate and the store crate.
pub(crate) const WIRE: &str = "crates/valetkey/src/wire.rs";

/// A floor of `valetkey-core`. A module may name those of its own floor, unless they are `apart`, and of the
/// floors before it.
pub(crate) struct Floor {
    pub(crate) name: &'static str,
    pub(crate) apart: bool,
    pub(crate) modules: &'static [&'static str],
}

/// Small types ← building blocks and ports ← flows.
pub(crate) const CORE: &[Floor] = &[
    Floor {
        name: "small types",
        apart: false,
        modules: &[
            "audit", "error", "horizon", "ids", "image", "json", "params", "path", "scope", "secret",
            "settings", "time",
        ],
    },
    Floor {
        name: "building blocks",
        apart: false,
        modules: &[
            "applied",
            "backup",
            "approval",
            "catalog",
            "claims",
            "client",
            "context",
            "directory",
            "federation",
            "interaction",
            "jose",
            "login",
            "outbound",
            "proof",
            "route",
            "seal",
            "store",
            "token",
            "upstream",
        ],
    },
    Floor { name: "flows", apart: true, modules: &["authorize", "endpoint", "grant", "job", "manage"] },
];

/// Names that stand on the top floor and that everybody may use: the closed enum of grants is one list, read by
/// client metadata, registration and discovery (a new grant is one variant).
pub(crate) const SHARED: &[&str] = &["crate::grant::GrantType"];

/// What core must take from `Context` or leave to a port.
pub(crate) const CORE_NEVER: &[(&str, &str)] = &[
    ("std::time::SystemTime", "`now` comes from Context"),
    ("std::time::Instant", "core measures nothing; `now` comes from Context"),
    ("std::env", "settings come from Context"),
    ("std::fs", "core does no I/O"),
    ("std::net::TcpStream", "core does no I/O"),
    ("std::net::TcpListener", "core does no I/O"),
    ("std::net::ToSocketAddrs", "names are resolved by the outbound fetcher"),
    ("std::thread", "core starts nothing"),
    ("std::process", "core starts nothing"),
];

/// The folders of core whose files each hold a part of a standard.
pub(crate) const SPEC_ROOMS: &[&str] = &["authorize", "client", "endpoint", "grant", "jose", "proof"];

/// Lines from which a file is listed as long, and above which it is refused; tests included.
pub(crate) const LONG: usize = 400;
pub(crate) const TOO_LONG: usize = 600;

/// The endings of files that have a size limit.
pub(crate) const SIZED: &[&str] = &["rs", "html", "js", "mjs", "css", "py", "sh", "sql", ""];

/// Something of which there is one, named where it is used: `names` is a run of names in a path, or a method with
/// a dot before it; only files whose path starts with one of `only` may say it. Test files may say anything.
pub(crate) struct Place {
    pub(crate) names: &'static str,
    pub(crate) only: &'static [&'static str],
    pub(crate) why: &'static str,
}

const fn place(names: &'static str, only: &'static [&'static str], why: &'static str) -> Place {
    Place { names, only, why }
}

const TOKEN: &str = "crates/valetkey-core/src/token.rs";
const SEAL: &str = "crates/valetkey-core/src/seal.rs";
const EVERY_SEAL: &str = "each kind of artefact is sealed and opened in one file";

pub(crate) const PLACES: &[Place] = &[
    place("access::seal", &[TOKEN], "token::issue is the only place where access tokens are made"),
    place("access::sign", &[TOKEN], "token::issue is the only place where access tokens are made"),
    place("Kind::AccessToken", &["crates/valetkey-core/src/token/access.rs", SEAL], EVERY_SEAL),
    place("Kind::RefreshToken", &["crates/valetkey-core/src/token/refresh.rs", SEAL], EVERY_SEAL),
    place("Kind::Code", &["crates/valetkey-core/src/token/code.rs", SEAL], EVERY_SEAL),
    place("Kind::Interaction", &["crates/valetkey-core/src/interaction.rs", SEAL], EVERY_SEAL),
    place("Kind::SetupLink", &["crates/valetkey-core/src/manage/setup.rs", SEAL], EVERY_SEAL),
    place("Kind::KnownDevice", &["crates/valetkey-core/src/login/device.rs", SEAL], EVERY_SEAL),
    place("Kind::FormProof", &["crates/valetkey-core/src/login/form_proof.rs", SEAL], EVERY_SEAL),
    place("Kind::BrowserNote", &["crates/valetkey-core/src/login/browser_mode.rs", SEAL], EVERY_SEAL),
    place("Kind::UpstreamSecret", &["crates/valetkey-core/src/upstream.rs", SEAL], EVERY_SEAL),
    place(
        "Kind::UpstreamLogin",
        &["crates/valetkey-core/src/login/upstream/transaction.rs", SEAL],
        EVERY_SEAL,
    ),
    place("Kind::PushedRequest", &["crates/valetkey-core/src/authorize/par.rs", SEAL], EVERY_SEAL),
    place("Kind::DpopNonce", &["crates/valetkey-core/src/proof/dpop.rs", SEAL], EVERY_SEAL),
    place("Kind::BoundRefreshToken", &["crates/valetkey-core/src/token/refresh.rs", SEAL], EVERY_SEAL),
    place("Kind::DeviceCode", &["crates/valetkey-core/src/approval/handle.rs", SEAL], EVERY_SEAL),
    place("Kind::AuthReqId", &["crates/valetkey-core/src/approval/handle.rs", SEAL], EVERY_SEAL),
    place("Kind::Pending", &["crates/valetkey-core/src/approval.rs", SEAL], EVERY_SEAL),
    place("Kind::Agreed", &["crates/valetkey-core/src/token/code.rs", SEAL], EVERY_SEAL),
    place("Kind::StoredKey", &["crates/valetkey-core/src/token/keys.rs", SEAL], EVERY_SEAL),
    place(
        "LessSafeKey",
        &[SEAL, "crates/valetkey-core/src/jose/jwe.rs", "crates/valetkey-core/src/jose/jwe/decrypt.rs"],
        "seal.rs encrypts what is ours, jwe.rs what is for others or comes from them; nobody else encrypts",
    ),
    place("argon2", &["crates/valetkey/src/hasher"], "passwords are hashed behind the bounded Hasher port"),
    place("rusqlite", &["crates/valetkey-store/src/"], "SQL stands in the store"),
    place(
        "header::HOST",
        &["crates/valetkey-fetch/src/fetcher.rs", "crates/valetkey-web/src/serve/host.rs"],
        "our address comes from the issuer, never from a request; host.rs only counts",
    ),
    place(
        "header::FORWARDED",
        &["crates/valetkey-web/src/layer/client_addr.rs"],
        "one reader of forwarding headers",
    ),
    place(
        ".route",
        &["crates/valetkey-web/src/router.rs", "crates/valetkey-web/src/management.rs"],
        "routes stand in one table, each with its access class",
    ),
];
