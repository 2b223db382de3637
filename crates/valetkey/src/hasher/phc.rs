//! PHC strings: what is stored of a password, with the cost at which it was hashed.

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version};
use valetkey_core::error::{Fault, FaultKind};
use valetkey_core::secret::Secret;

/// OWASP's and RFC 9106's second choice: 19 MiB, two passes, one lane. 17 ms on one core.
const COST: (u32, u32, u32) = (Params::DEFAULT_M_COST, Params::DEFAULT_T_COST, Params::DEFAULT_P_COST);
/// Blocks of 1 KiB at that cost.
pub(super) const BLOCKS: usize = COST.0 as usize;
pub(super) const SALT_LENGTH: usize = 16;
const OUTPUT_LENGTH: usize = 32;
/// A stored hash that asks for more (in KiB) is refused: it would break the bound on memory.
const HIGHEST_MEMORY: u32 = 128 * 1024;

/// A stored hash, ready to be compared with.
pub(super) struct Parsed {
    argon: Argon2<'static>,
    salt: Salt,
    output: Output,
}

impl Parsed {
    /// Reads argon2id. Anything else in the store is not ours.
    pub(super) fn parse(phc: &str) -> Result<Self, Fault> {
        let wrong = || {
            Fault::bare(FaultKind::Corrupt, "a stored password hash is not argon2id as this server reads it")
        };
        let parsed = PasswordHash::new(phc).map_err(|_| wrong())?;
        if parsed.algorithm != ARGON2ID_IDENT {
            return Err(wrong());
        }
        let version = parsed.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(|_| wrong())?;
        let params = Params::try_from(&parsed).map_err(|_| wrong())?;
        let (Some(salt), Some(output)) = (parsed.salt, parsed.hash) else { return Err(wrong()) };
        if params.m_cost() > HIGHEST_MEMORY {
            return Err(wrong());
        }
        Ok(Self { argon: Argon2::new(Algorithm::Argon2id, version, params), salt, output })
    }

    /// What is to be computed to find out whether the password fits.
    pub(super) fn work(&self, password: &Secret) -> Work {
        let (argon, salt, length) = (self.argon.clone(), self.salt, self.output.len());
        Work { argon, password: password.clone(), salt, length }
    }

    /// In constant time.
    pub(super) fn fits(&self, computed: &Output) -> bool {
        *computed == self.output
    }

    /// Whether the password should be hashed anew: the cost has changed since.
    pub(super) fn is_outdated(&self) -> bool {
        let params = self.argon.params();
        (params.m_cost(), params.t_cost(), params.p_cost()) != COST || self.output.len() != OUTPUT_LENGTH
    }
}

/// One computation of argon2id. It can be begun twice, and gives the same.
#[derive(Clone)]
pub(super) struct Work {
    argon: Argon2<'static>,
    password: Secret,
    salt: Salt,
    length: usize,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Work({} blocks)", self.blocks())
    }
}

impl Work {
    /// For a new password, at the present cost.
    pub(super) fn anew(password: &Secret, salt: [u8; SALT_LENGTH]) -> Result<Self, Fault> {
        let (argon, password) = (present()?, password.clone());
        Ok(Self { argon, password, salt: Salt::new(&salt).map_err(unwritable)?, length: OUTPUT_LENGTH })
    }

    /// Blocks of 1 KiB that it needs.
    pub(super) fn blocks(&self) -> usize {
        self.argon.params().block_count()
    }

    /// How many blocks it writes.
    pub(super) fn size(&self) -> u64 {
        self.blocks() as u64 * u64::from(self.argon.params().t_cost())
    }

    pub(super) fn run(&self, arena: &mut [Block]) -> Result<Output, Fault> {
        let mut computed = [0; Output::MAX_LENGTH];
        let computed = &mut computed[..self.length];
        self.argon
            .hash_password_into_with_memory(self.password.expose().as_bytes(), &self.salt, computed, arena)
            .map_err(|error| Fault::internal("argon2", error))?;
        Output::new(computed).map_err(unwritable)
    }

    /// What is stored of it.
    pub(super) fn text(&self, computed: Output) -> Result<String, Fault> {
        text(self.salt, computed)
    }
}

/// A hash at the present cost whose password nobody knows: its output is no output of argon2.
pub(super) fn dummy() -> String {
    let parts = Salt::new(&[0; SALT_LENGTH]).ok().zip(Output::new(&[0; OUTPUT_LENGTH]).ok());
    parts.and_then(|(salt, output)| text(salt, output).ok()).unwrap_or_default()
}

fn present() -> Result<Argon2<'static>, Fault> {
    let (memory, passes, lanes) = COST;
    let params =
        Params::new(memory, passes, lanes, Some(OUTPUT_LENGTH)).map_err(|e| Fault::internal("argon2", e))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn text(salt: Salt, output: Output) -> Result<String, Fault> {
    let (memory, passes, lanes) = COST;
    let params: ParamsString = format!("m={memory},t={passes},p={lanes}").parse().map_err(unwritable)?;
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

fn unwritable(_: impl std::error::Error) -> Fault {
    Fault::bare(FaultKind::Internal, "writing a password hash")
}
