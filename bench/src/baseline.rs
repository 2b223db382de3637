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
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// About what an RFC 9068 access token has to sign.
const SIGNED_BYTES: usize = 350;

/// Seconds that one signature takes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct SignCost {
    pub(crate) seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Signature {
    Ed25519,
    Es256,
    Rs256,
}

/// Measures an algorithm for `seconds` with a parsed key and prints the cost as JSON.
#[expect(
    clippy::disallowed_methods,
    reason = "a measured signature draws its randomness as the server's does"
)]
pub(crate) fn print_sign_cost(signature: Signature, length: f64) -> Result<()> {
    let message = [b'x'; SIGNED_BYTES];
    let random = SystemRandom::new();
    let seconds = match signature {
        Signature::Ed25519 => {
            let pair = Ed25519KeyPair::generate()?;
            cost(length, || Ok(pair.try_sign(&message)?))?
        }
        Signature::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            cost(length, || Ok(pair.sign(&random, &message)?))?
        }
        Signature::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
            let mut signed = vec![0; pair.public_modulus_len()];
            cost(length, || Ok(pair.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signed)?))?
        }
    };
    println!("{}", serde_json::to_string(&SignCost { seconds })?);
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
