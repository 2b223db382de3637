//! PHC strings: what is stored of a password, with the cost at which it was hashed.

use super::arena::Arenas;
use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, Version};
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

    pub(super) fn verify(&self, password: &Secret, arenas: &Arenas) -> Result<bool, Fault> {
        let mut computed = [0; Output::MAX_LENGTH];
        let length = self.output.len();
        let computed = &mut computed[..length];
        compute(&self.argon, password, self.salt.as_ref(), computed, arenas)?;
        // `Output` compares in constant time.
        Ok(Output::new(computed).is_ok_and(|computed| computed == self.output))
    }

    /// Whether the password should be hashed anew: the cost has changed since.
    pub(super) fn is_outdated(&self) -> bool {
        let params = self.argon.params();
        (params.m_cost(), params.t_cost(), params.p_cost()) != COST || self.output.len() != OUTPUT_LENGTH
    }
}

/// Hashes a new password at the present cost.
pub(super) fn hash(password: &Secret, salt: [u8; SALT_LENGTH], arenas: &Arenas) -> Result<String, Fault> {
    let argon = present()?;
    let mut output = [0; OUTPUT_LENGTH];
    compute(&argon, password, &salt, &mut output, arenas)?;
    text(&salt, &output)
}

/// A hash at the present cost whose password nobody knows: its output is no output of argon2.
pub(super) fn dummy() -> String {
    text(&[0; SALT_LENGTH], &[0; OUTPUT_LENGTH]).unwrap_or_default()
}

fn present() -> Result<Argon2<'static>, Fault> {
    let (memory, passes, lanes) = COST;
    let params =
        Params::new(memory, passes, lanes, Some(OUTPUT_LENGTH)).map_err(|e| Fault::internal("argon2", e))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn compute(
    argon: &Argon2<'_>,
    password: &Secret,
    salt: &[u8],
    out: &mut [u8],
    arenas: &Arenas,
) -> Result<(), Fault> {
    arenas
        .with(argon.params().block_count(), |arena| {
            argon.hash_password_into_with_memory(password.expose().as_bytes(), salt, out, arena)
        })
        .map_err(|error| Fault::internal("argon2", error))
}

fn text(salt: &[u8], output: &[u8]) -> Result<String, Fault> {
    let wrong = |_| Fault::bare(FaultKind::Internal, "writing a password hash");
    let (memory, passes, lanes) = COST;
    let params: ParamsString = format!("m={memory},t={passes},p={lanes}").parse().map_err(wrong)?;
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params,
        salt: Some(Salt::new(salt).map_err(wrong)?),
        hash: Some(Output::new(output).map_err(wrong)?),
    };
    Ok(hash.to_string())
}
