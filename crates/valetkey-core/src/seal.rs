//! Sealed artefacts: what Valetkey hands out and later opens itself, instead of storing it.
//!
//! One format: `prefix` + base64url( version · key tag · nonce · AES-256-GCM-SIV( record ) ). The artefact's kind is bound as
//! associated data, so that one kind never opens as another. Random nonces stay safe at token volumes with GCM-SIV (RFC 8452 §9).

use crate::error::{Fault, FaultKind};
use crate::ids::KeyId;
use crate::time::Timestamp;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use std::fmt;

/// What an artefact is. The number is bound into the seal and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    AccessToken = 1,
    RefreshToken = 2,
    Code = 3,
    Interaction = 4,
    SetupLink = 5,
    KnownDevice = 6,
    FormProof = 7,
    /// A private key at rest, under the master key.
    StoredKey = 8,
    /// RFC 7591 §3, the initial access token.
    InitialAccess = 9,
    /// RFC 9126 §2.2, behind `request_uri`.
    PushedRequest = 10,
    /// RFC 9449 §8.
    DpopNonce = 11,
    /// RFC 9449 §5, a refresh token that its key alone may use.
    BoundRefreshToken = 21,
    /// That the old password was right and a new one is due.
    PasswordDue = 12,
    /// That a session was taken to an API in a browser.
    BrowserNote = 16,
    /// Our secret at a provider, under the master key.
    UpstreamSecret = 17,
    /// A sign-in at a provider that is on its way, in the browser's cookie.
    UpstreamLogin = 18,
    /// The id that a form of the portal makes, so that a form sent twice makes one thing.
    PortalDraft = 26,
    /// The key of a backup, under the master key.
    Backup = 30,
    /// RFC 8628 §3.2.
    DeviceCode = 39,
    /// CIBA Core §7.3.
    AuthReqId = 40,
    /// What a device or a back channel asked, in its row.
    Pending = 41,
    /// What a person agreed to, in the same row.
    Agreed = 42,
    /// OIDC Core §8, a `sub` of one sector, under the master key.
    PairwiseSubject = 36,
    /// OIDC Core §8, a `sid` of one client, under the master key.
    PairwiseSession = 56,
    /// A request to sign out that came by POST, on its way round to where the browser's cookie comes along.
    LogoutRequest = 52,
}

impl Kind {
    pub const ALL: [Self; 25] = [
        Self::AccessToken,
        Self::RefreshToken,
        Self::Code,
        Self::Interaction,
        Self::SetupLink,
        Self::KnownDevice,
        Self::FormProof,
        Self::StoredKey,
        Self::InitialAccess,
        Self::PushedRequest,
        Self::DpopNonce,
        Self::BoundRefreshToken,
        Self::PasswordDue,
        Self::BrowserNote,
        Self::UpstreamSecret,
        Self::UpstreamLogin,
        Self::PortalDraft,
        Self::Backup,
        Self::DeviceCode,
        Self::AuthReqId,
        Self::Pending,
        Self::Agreed,
        Self::PairwiseSubject,
        Self::PairwiseSession,
        Self::LogoutRequest,
    ];

    /// What the text begins with, so that secret scanners and people can tell.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AccessToken => "vk_at_",
            Self::RefreshToken => "vk_rt_",
            Self::Code => "vk_ac_",
            Self::Interaction => "vk_in_",
            Self::SetupLink => "vk_su_",
            Self::KnownDevice => "vk_kd_",
            Self::FormProof => "vk_fp_",
            Self::StoredKey => "vk_sk_",
            Self::InitialAccess => "vk_ia_",
            Self::PushedRequest => "vk_pr_",
            Self::DpopNonce => "vk_dn_",
            Self::BoundRefreshToken => "vk_rt_b_",
            Self::PasswordDue => "vk_pd_",
            Self::UpstreamSecret => "vk_us_",
            Self::UpstreamLogin => "vk_ul_",
            Self::BrowserNote => "vk_bn_",
            Self::PortalDraft => "vk_df_",
            Self::Backup => "vk_bk_",
            Self::DeviceCode => "vk_dc_",
            Self::AuthReqId => "vk_ar_",
            Self::Pending => "vk_pe_",
            Self::Agreed => "vk_ag_",
            Self::PairwiseSubject => "vk_ps_",
            Self::PairwiseSession => "vk_px_",
            Self::LogoutRequest => "vk_lr_",
        }
    }
}

const VERSION: u8 = 1;
const TAG_LEN: usize = 4;
const HEADER_LEN: usize = 1 + TAG_LEN + NONCE_LEN;

/// A 96-bit nonce: random, or derived where the same content must give the same text.
pub type SealNonce = [u8; NONCE_LEN];

/// One sealing key.
pub struct SealingKey {
    pub id: KeyId,
    pub active_at: Timestamp,
    tag: [u8; TAG_LEN],
    key: LessSafeKey,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id)
    }
}

impl SealingKey {
    pub fn new(id: KeyId, active_at: Timestamp, bytes: &[u8]) -> Result<Self, Fault> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, bytes)
            .map_err(|_| Fault::bare(FaultKind::Corrupt, "a sealing key must have 32 bytes"))?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.as_str().as_bytes());
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&digest.as_ref()[..TAG_LEN]);
        Ok(Self { id, active_at, tag, key: LessSafeKey::new(key) })
    }

    /// Seals a record into its text form.
    pub fn seal(&self, kind: Kind, nonce: SealNonce, record: &impl Serialize) -> Result<String, Fault> {
        let mut wire = Vec::with_capacity(512);
        wire.push(VERSION);
        wire.extend_from_slice(&self.tag);
        wire.extend_from_slice(&nonce);
        let mut wire =
            postcard::to_extend(record, wire).map_err(|e| Fault::internal("encoding a record", e))?;
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from([VERSION, kind as u8]),
                &mut wire[HEADER_LEN..],
            )
            .map_err(|_| Fault::bare(FaultKind::Internal, "sealing a record"))?;
        wire.extend_from_slice(tag.as_ref());
        let mut text = String::with_capacity(kind.prefix().len() + BASE64URL_NOPAD.encode_len(wire.len()));
        text.push_str(kind.prefix());
        BASE64URL_NOPAD.encode_append(&wire, &mut text);
        Ok(text)
    }
}

/// Records only grow at their end. What an older version did not write reads as zero bytes: nothing, none, false, empty;
/// what a newer one wrote besides is not looked at.
const PADDING: usize = 16;

/// The content of an opened artefact; decode it with `record`.
pub struct Opened {
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(***)")
    }
}

impl Opened {
    /// A record that was never sealed, in the same form.
    pub fn from_record(record: &impl Serialize) -> Option<Self> {
        let buffer = postcard::to_allocvec(record).ok()?;
        Some(Self { from: 0, to: buffer.len(), buffer })
    }

    /// Decodes; texts in the record borrow from here. `None` where the content has another shape.
    pub fn record<'a, T: serde::Deserialize<'a>>(&'a self) -> Option<T> {
        postcard::from_bytes(self.buffer.get(self.from..self.to)?).ok()
    }
}

/// Opens `text` with whichever of the keys sealed it. `None`: forged, damaged, of another kind, or its key is gone.
pub fn open<'k>(keys: impl IntoIterator<Item = &'k SealingKey>, kind: Kind, text: &str) -> Option<Opened> {
    let encoded = text.strip_prefix(kind.prefix())?;
    let mut buffer = BASE64URL_NOPAD.decode(encoded.as_bytes()).ok()?;
    if buffer.len() < HEADER_LEN || buffer[0] != VERSION {
        return None;
    }
    let key = keys.into_iter().find(|key| key.tag == buffer[1..=TAG_LEN])?;
    let nonce = Nonce::try_assume_unique_for_key(&buffer[1 + TAG_LEN..HEADER_LEN]).ok()?;
    let aad = Aad::from([VERSION, kind as u8]);
    let length = key.key.open_in_place(nonce, aad, &mut buffer[HEADER_LEN..]).ok()?.len();
    buffer.truncate(HEADER_LEN + length);
    buffer.resize(HEADER_LEN + length + PADDING, 0);
    Some(Opened { from: HEADER_LEN, to: buffer.len(), buffer })
}

/// A nonce from what the record names, so that sealing it again gives the same text.
pub fn derived_nonce(kind: Kind, parts: &[&[u8]]) -> SealNonce {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    hash.update(&[kind as u8]);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&hash.finish().as_ref()[..NONCE_LEN]);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, byte: u8) -> SealingKey {
        SealingKey::new(id.into(), Timestamp(0), &[byte; 32]).expect("32 bytes")
    }

    #[test]
    fn one_kind_of_artefact_never_opens_as_another() {
        let own = key("k", 7);
        for made in Kind::ALL {
            let text = own.seal(made, [1; 12], &"content").expect("sealed");
            for tried in Kind::ALL {
                let body = text.strip_prefix(made.prefix()).expect("prefix");
                let relabelled = format!("{}{body}", tried.prefix());
                assert_eq!(
                    open([&own], tried, &relabelled).is_some(),
                    made == tried,
                    "{made:?} as {tried:?}"
                );
            }
        }
    }

    #[test]
    fn a_changed_bit_or_another_key_opens_nothing() {
        let (own, other) = (key("a", 1), key("a", 2));
        let text = own.seal(Kind::Code, [1; 12], &"content").expect("sealed");
        assert!(open([&other], Kind::Code, &text).is_none());
        let body = BASE64URL_NOPAD.decode(&text.as_bytes()["vk_ac_".len()..]).expect("base64");
        for at in 0..body.len() {
            let mut bent = body.clone();
            bent[at] ^= 1;
            let text = format!("vk_ac_{}", BASE64URL_NOPAD.encode(&bent));
            assert!(open([&own], Kind::Code, &text).is_none(), "byte {at}");
        }
    }

    #[test]
    fn a_record_that_has_grown_since_reads_what_was_not_written_as_nothing() {
        #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
        struct Grown<'a> {
            was: u8,
            text: &'a str,
            maybe: Option<i64>,
        }
        let own = key("a", 1);
        let old = open([&own], Kind::Code, &own.seal(Kind::Code, [1; 12], &7_u8).expect("sealed"));
        assert_eq!(old.expect("opened").record(), Some(Grown { was: 7, text: "", maybe: None }));
        let grown = Grown { was: 8, text: "more", maybe: Some(9) };
        let new = open([&own], Kind::Code, &own.seal(Kind::Code, [1; 12], &grown).expect("sealed"));
        assert_eq!(new.expect("opened").record::<u8>(), Some(8));
    }

    #[test]
    fn a_derived_nonce_gives_the_same_text_again() {
        let own = key("a", 1);
        let nonce = derived_nonce(Kind::RefreshToken, &[b"grant", b"1"]);
        let seal = || own.seal(Kind::RefreshToken, nonce, &1_u8).expect("sealed");
        assert_eq!(seal(), seal());
        assert_ne!(nonce, derived_nonce(Kind::RefreshToken, &[b"gran", b"t1"]));
    }
}
