//! Baselines of the processor, in a process of their own on the server's core: signatures, and argon2id.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde::{Deserialize, Serialize};

/// About what an RFC 9068 access token has to sign.
const SIGNED_BYTES: usize = 350;

/// Seconds that one signature takes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct SignCosts {
    pub(crate) ed25519: f64,
    pub(crate) es256: f64,
    pub(crate) rs256: f64,
}

/// Measures each algorithm for `seconds` with a parsed key and prints the costs as JSON.
#[expect(
    clippy::disallowed_methods,
    reason = "a measured signature draws its randomness as the server's does"
)]
pub(crate) fn print_sign_costs(seconds: f64) -> Result<()> {
    let message = [b'x'; SIGNED_BYTES];
    let random = SystemRandom::new();
    let ed25519 = Ed25519KeyPair::generate()?;
    let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let rs256 = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let mut signature = vec![0; rs256.public_modulus_len()];
    let costs = SignCosts {
        ed25519: cost(seconds, || Ok(ed25519.try_sign(&message)?))?,
        es256: cost(seconds, || Ok(es256.sign(&random, &message)?))?,
        rs256: cost(seconds, || Ok(rs256.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?))?,
    };
    println!("{}", serde_json::to_string(&costs)?);
    Ok(())
}

/// Hashes per second.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct HashRate {
    pub(crate) per_second: f64,
}

/// Measures argon2id (19 MiB, t=2, p=1) with memory allocated once, and prints the rate as JSON.
pub(crate) fn print_argon2_rate(seconds: f64) -> Result<()> {
    let refused = |error| anyhow!("argon2: {error}");
    let parameters = Params::new(19 * 1024, 2, 1, None).map_err(refused)?;
    let mut memory = vec![Block::new(); parameters.block_count()];
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let mut hash = [0; 32];
    let cost = cost(seconds, || {
        let salt = b"a salt of sixteen";
        hasher.hash_password_into_with_memory(b"correct horse", salt, &mut hash, &mut memory).map_err(refused)
    })?;
    println!("{}", serde_json::to_string(&HashRate { per_second: 1.0 / cost })?);
    Ok(())
}

/// Mean seconds of one call, over at least `seconds` and after one call to warm up.
fn cost<T>(seconds: f64, mut call: impl FnMut() -> Result<T>) -> Result<f64> {
    call()?;
    let begin = Instant::now();
    let length = Duration::from_secs_f64(seconds);
    let mut calls = 0_u32;
    while begin.elapsed() < length {
        black_box(call()?);
        calls += 1;
    }
    Ok(begin.elapsed().as_secs_f64() / f64::from(calls.max(1)))
}
