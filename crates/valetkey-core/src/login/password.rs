//! NIST SP 800-63B §3.1.1.2 — what may be a password: long, not guessable, anything else goes
//!
//! A password is taken as typed: no trimming, no normalisation (ASVS 6.2.8), so that what was set is what must be typed.

use crate::secret::Secret;

/// The least for a password that is the only factor.
pub const SHORTEST: usize = 15;
/// The longest, in characters: more costs hashing time and adds nothing.
pub const LONGEST: usize = 256;

/// Why a password is not taken, as a sentence for the person who chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFlaw {
    #[error("Use at least 15 characters. A few unrelated words do well.")]
    TooShort,
    #[error("Use at most 256 characters.")]
    TooLong,
    #[error("This is one of the first passwords that somebody would try. Use a few unrelated words.")]
    Guessable,
    #[error("This is mostly your own name or the name of this site. Use a few unrelated words.")]
    Context,
    #[error("This is the password you have. Choose another one.")]
    Same,
}

/// Checks a new password. `context`: the person's names and the site's, which guessers try first.
pub fn check(password: &Secret, context: &[&str]) -> Result<(), PasswordFlaw> {
    let text = password.expose();
    let length = text.chars().count();
    if length < SHORTEST {
        return Err(PasswordFlaw::TooShort);
    }
    if length > LONGEST {
        return Err(PasswordFlaw::TooLong);
    }
    let mut rest = text.to_lowercase();
    for word in context.iter().filter(|word| word.chars().count() >= 3) {
        rest = rest.replace(&word.to_lowercase(), "");
    }
    if rest.chars().count() < 8 {
        return Err(PasswordFlaw::Context);
    }
    let estimate = zxcvbn::zxcvbn(text, context);
    if estimate.score() < zxcvbn::Score::Two {
        return Err(PasswordFlaw::Guessable);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nist_800_63b_section_3_1_1_2_length_counts_and_composition_does_not() {
        for (password, want) in [
            ("correct horse battery staple", Ok(())),
            ("alice-in-wonderland-1865", Ok(())),
            ("пароль из шести слов тут", Ok(())),
            ("Tr0ub4dor&3", Err(PasswordFlaw::TooShort)),
            ("aaaaaaaaaaaaaaaaaaaa", Err(PasswordFlaw::Guessable)),
            ("passwordpassword", Err(PasswordFlaw::Guessable)),
            ("alicealicealicealice", Err(PasswordFlaw::Context)),
        ] {
            assert_eq!(check(&Secret::new(password), &["alice", "Valetkey"]), want, "{password}");
        }
        assert_eq!(check(&Secret::new("x ".repeat(200)), &[]), Err(PasswordFlaw::TooLong));
    }
}
