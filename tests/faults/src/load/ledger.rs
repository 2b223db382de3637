//! What was sent and what was answered: the journal on disk, and the model of it that the judge reads.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    TokenActive,
    RevocationHolds,
    CodeOnce,
    OneSuccessor,
    RetryIsSafe,
    CodeHolds,
    SessionHolds,
    ClientExists,
    SwitchedOff,
    OneUser,
    JwtVerifies,
    AuditHolds,
    CleanAnswers,
    InTime,
    Resources,
    NoPanic,
    NoSecretInLog,
    Asked,
}

impl Rule {
    /// The invariant of the fault plan that it watches.
    pub fn invariant(self) -> &'static str {
        match self {
            Self::TokenActive
            | Self::RetryIsSafe
            | Self::CodeHolds
            | Self::SessionHolds
            | Self::ClientExists
            | Self::AuditHolds => "V3",
            Self::RevocationHolds => "V4",
            Self::CodeOnce => "V1",
            Self::OneSuccessor => "V2",
            Self::SwitchedOff => "V5",
            Self::OneUser => "V6",
            Self::JwtVerifies => "V7",
            Self::CleanAnswers => "V10",
            Self::InTime | Self::Asked => "",
            Self::Resources | Self::NoPanic => "V9",
            Self::NoSecretInLog => "V8",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TokenActive => "an acknowledged token is active",
            Self::RevocationHolds => "an acknowledged revocation holds",
            Self::CodeOnce => "a code is redeemed once",
            Self::OneSuccessor => "a refresh token has one successor",
            Self::RetryIsSafe => "a lost reply can be retried",
            Self::CodeHolds => "an acknowledged code can be redeemed",
            Self::SessionHolds => "an acknowledged sign-in and consent hold",
            Self::ClientExists => "an acknowledged client exists",
            Self::SwitchedOff => "who is switched off gets no token",
            Self::OneUser => "an answer is about one user",
            Self::JwtVerifies => "a JWT verifies against the keys that are held",
            Self::AuditHolds => "what was acknowledged is in the audit trail",
            Self::CleanAnswers => "every answer is clean",
            Self::InTime => "in time",
            Self::Resources => "memory and files within bounds",
            Self::NoPanic => "no panic in the log",
            Self::NoSecretInLog => "no secret in the log",
            Self::Asked => "what the fault itself asks for",
        })
    }
}

#[derive(Debug, Clone)]
pub struct Breach {
    pub rule: Rule,
    pub round: u32,
    pub detail: String,
}

impl Breach {
    pub fn new(rule: Rule, round: u32, detail: impl Into<String>) -> Self {
        Self { rule, round, detail: detail.into() }
    }
}

/// Whether what was granted still stands, by what was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Live,
    /// Revoked, replayed or reused, and the answer was heard.
    Dead,
}

/// An operation on a grant whose reply the server's death swallowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// With the token of this generation, sent at this moment.
    Refresh(usize, Instant),
    Revoke,
    Replay,
    Reuse,
}

/// A code that the application was sent.
#[derive(Debug, Clone)]
pub struct Code {
    pub app: usize,
    pub value: String,
    pub at: Instant,
    /// It was sent to the token endpoint once, and no reply came.
    pub unanswered: bool,
}

#[derive(Debug, Clone)]
pub struct Access {
    pub token: String,
    pub at: Instant,
    pub lives: Duration,
}

impl Access {
    /// Whether expiry cannot have come yet, with 5 s to spare.
    pub fn is_fresh(&self) -> bool {
        self.at.elapsed() + Duration::from_secs(5) < self.lives
    }
}

/// What a redeemed code gave: one refresh token per generation, the newest last.
#[derive(Debug, Clone)]
pub struct Grant {
    pub code: Code,
    pub access: Vec<Access>,
    pub refresh: Vec<String>,
    pub refreshed: Instant,
    pub life: Life,
    pub unanswered: Option<Unanswered>,
    /// The round that last touched it.
    pub round: u32,
}

/// A client-credentials token.
#[derive(Debug, Clone)]
pub struct Loose {
    pub access: Access,
    pub life: Life,
    pub unanswered: bool,
    pub round: u32,
}

/// The append-only file: `>` what was sent, `<` what was received, with milliseconds since the start.
#[derive(Debug)]
pub struct Journal {
    began: Instant,
    file: Mutex<BufWriter<File>>,
}

impl Journal {
    pub fn create(path: &Path) -> std::io::Result<Self> {
        Ok(Self { began: Instant::now(), file: Mutex::new(BufWriter::new(File::create(path)?)) })
    }

    pub fn write(&self, worker: usize, mark: char, text: &str) {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The disk of the journal failing would show as a journal too short; the verdict does not depend on it.
        let _ = writeln!(file, "{} {worker} {mark} {text}", self.began.elapsed().as_millis());
    }

    pub fn flush(&self) {
        let _ = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner).flush();
    }
}
