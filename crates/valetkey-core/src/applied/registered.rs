//! What a client that is registered now gets, whichever way it is registered.

use crate::client::AuthMethod;
use crate::client::compat::Compat;
use crate::grant::GrantType;
use crate::scope::Scope;
use crate::settings::DynamicRegistration;
use crate::time::Seconds;
use serde::{Deserialize, Serialize};

/// What an operator gives every client where its registration does not say otherwise: on the command line, in the
/// portal, by RFC 7591 and by Mastodon's API alike. `manage::client::create` is where it is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Registration {
    /// Empty: `authorization_code` and `refresh_token`.
    pub grant_types: Vec<GrantType>,
    /// `None`: what the way of registering gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What a token for the application itself may have of it; `None`: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_scope: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<AuthMethod>,
    pub compat: Vec<Compat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<Seconds>,
    /// RFC 7591: who may register over the network; `None`: as configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<DynamicRegistration>,
    /// After how long a client that registered itself goes, if nobody uses it; `NEVER`: it stays. `None`: seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unused_after: Option<Seconds>,
}

/// What is known of a client before it is given anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applicant {
    /// It cannot keep a secret.
    pub public: bool,
    /// It has at least one redirect URI.
    pub redirects: bool,
}

impl Registration {
    /// The grants of a client that asks for none: of the operator's list what a client of this sort can use at all.
    pub fn grants_of(&self, applicant: Applicant) -> Vec<GrantType> {
        use GrantType::{
            AuthorizationCode, Ciba, ClientCredentials, DeviceCode, Implicit, JwtBearer, Password,
            RefreshToken, TokenExchange,
        };
        if self.grant_types.is_empty() {
            return vec![AuthorizationCode, RefreshToken];
        }
        let usable = |grant: &GrantType| match grant {
            AuthorizationCode | Implicit => applicant.redirects,
            ClientCredentials | Ciba | TokenExchange | JwtBearer => !applicant.public,
            Password | RefreshToken | DeviceCode => true,
        };
        let mut grants: Vec<_> = self.grant_types.iter().copied().filter(usable).collect();
        // Nothing would ever hand it one.
        if !grants.iter().any(|grant| matches!(grant, AuthorizationCode | Password | DeviceCode | Ciba)) {
            grants.retain(|grant| *grant != RefreshToken);
        }
        // An empty list says nothing to whoever reads the refusal: "needs a redirect URI" does.
        if grants.is_empty() { self.grant_types.clone() } else { grants }
    }

    /// The same for a client that names its opt-ins, or that it wants none: what needs another it does not get.
    #[must_use]
    pub fn with_opt_ins(&self, compat: &[Compat]) -> Self {
        let open = |grant: &GrantType| Compat::needed_for(*grant).is_none_or(|need| compat.contains(&need));
        let grant_types = self.grant_types.iter().copied().filter(open).collect();
        Self { grant_types, compat: compat.to_vec(), ..self.clone() }
    }

    /// The opt-ins of a client with these grants: what its sort may have, and what its grants need.
    pub fn opt_ins_of(&self, public: bool, grants: &[GrantType]) -> Vec<Compat> {
        let means_something = |compat: &Compat| match compat {
            Compat::Implicit => grants.contains(&GrantType::Implicit),
            Compat::Password => grants.contains(&GrantType::Password),
            Compat::NoPkce
            | Compat::QueryCredentials
            | Compat::CodeAsRefreshToken
            | Compat::TokenEndpointAudience => !public,
            Compat::Oob | Compat::ReusableRefreshToken | Compat::LongLivedAccessToken => true,
        };
        self.compat.iter().copied().filter(means_something).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GrantType::{AuthorizationCode, ClientCredentials, Implicit, RefreshToken};

    #[test]
    fn a_client_gets_of_the_operators_list_what_it_can_use() {
        let all = Registration {
            grant_types: vec![AuthorizationCode, RefreshToken, ClientCredentials, Implicit],
            compat: vec![Compat::Implicit, Compat::NoPkce],
            ..Registration::default()
        };
        for (public, redirects, want, opt_ins) in [
            (
                false,
                true,
                vec![AuthorizationCode, RefreshToken, ClientCredentials, Implicit],
                vec![Compat::Implicit, Compat::NoPkce],
            ),
            (false, false, vec![ClientCredentials], vec![Compat::NoPkce]),
            (true, true, vec![AuthorizationCode, RefreshToken, Implicit], vec![Compat::Implicit]),
            (true, false, all.grant_types.clone(), vec![Compat::Implicit]),
        ] {
            let got = all.grants_of(Applicant { public, redirects });
            assert_eq!(got, want, "public {public}, redirects {redirects}");
            assert_eq!(all.opt_ins_of(public, &got), opt_ins, "public {public}, redirects {redirects}");
        }
        let none = all.with_opt_ins(&[]);
        assert_eq!(none.grant_types, [AuthorizationCode, RefreshToken, ClientCredentials]);
        let implicit = all.with_opt_ins(&[Compat::Implicit]);
        assert_eq!(
            (implicit.grant_types, implicit.compat),
            (all.grant_types.clone(), vec![Compat::Implicit])
        );
        let strict = Registration::default().grants_of(Applicant { public: true, redirects: false });
        assert_eq!(strict, [AuthorizationCode, RefreshToken]);
    }
}
