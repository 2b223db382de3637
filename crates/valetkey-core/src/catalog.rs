//! The scopes and APIs registered here, held in memory and replaced as a whole.

use crate::client::Client;
use crate::directory::Tenant;
use crate::error::{Code, Denial};
use crate::federation::TrustedIssuer;
use crate::ids::TenantId;
use crate::jose::SigningAlgorithm;
use crate::path::Path;
use crate::route::Rules;
use crate::scope::{self, Scope};
use crate::store::{Api, ScopeWords, TokenFormat};
use crate::time::Seconds;
use crate::upstream::Upstream;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What can be asked for, and of whose users.
#[derive(Debug, Default)]
pub struct Catalog {
    scopes: BTreeMap<String, ScopeWords>,
    apis: Vec<Api>,
    /// Of each API, in the same order.
    rules: Vec<Rules>,
    defaults: Scope,
    tenants: BTreeMap<TenantId, Arc<Tenant>>,
    upstreams: Vec<Arc<Upstream>>,
    issuers: Vec<Arc<TrustedIssuer>>,
    /// Whether any of them is switched off.
    shut: bool,
    /// Whether any API looks at how people were authenticated (RFC 9470).
    asks_acr: bool,
    /// How far the change feed had come when it was read.
    pub(crate) read_at: i64,
}

/// For whom a token is to be made, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target<'a> {
    pub audience: Vec<&'a str>,
    pub format: TokenFormat,
    pub algorithm: SigningAlgorithm,
    pub scope: Cow<'a, Scope>,
    pub lifetime: Option<Seconds>,
}

impl Catalog {
    /// The standard scopes and what the store holds.
    pub fn new(stored: Vec<ScopeWords>, apis: Vec<Api>) -> Self {
        let standard = scope::STANDARD.map(|(name, description, detail)| ScopeWords {
            name: name.to_owned(),
            description: description.to_owned(),
            detail: detail.to_owned(),
            default: false,
            standard: true,
        });
        let scopes: BTreeMap<_, _> =
            standard.into_iter().chain(stored).map(|words| (words.name.clone(), words)).collect();
        let defaults =
            scopes.values().filter(|words| words.default).map(|words| words.name.as_str()).collect();
        let rules = apis.iter().map(Rules::compile).collect();
        let asks_acr = apis.iter().flat_map(|api| &api.endpoints).any(|rule| !rule.acr.is_empty());
        Self { scopes, apis, rules, defaults, asks_acr, ..Self::default() }
    }

    /// The same with the user directories; `default` is there whether or not the store has it.
    #[must_use]
    pub fn with_tenants(self, stored: Vec<Tenant>) -> Self {
        let all = std::iter::once(Tenant::unnamed()).chain(stored);
        let tenants: BTreeMap<_, _> = all.map(|tenant| (tenant.id.clone(), Arc::new(tenant))).collect();
        let shut = tenants.values().any(|tenant| tenant.disabled);
        Self { tenants, shut, ..self }
    }

    /// The same with the providers at which people sign in.
    #[must_use]
    pub fn with_upstreams(self, stored: Vec<Upstream>) -> Self {
        Self { upstreams: stored.into_iter().map(Arc::new).collect(), ..self }
    }

    /// The same with the issuers whose word counts here.
    #[must_use]
    pub fn with_issuers(self, stored: Vec<TrustedIssuer>) -> Self {
        Self { issuers: stored.into_iter().map(Arc::new).collect(), ..self }
    }

    pub fn issuers(&self) -> &[Arc<TrustedIssuer>] {
        &self.issuers
    }

    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// A provider at which people can sign in now.
    pub fn upstream(&self, id: &str) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|own| own.id == id && !own.disabled && !self.shuts(own.tenant.as_str()))
    }

    /// Those that a directory's login page offers.
    pub fn upstreams_of<'a>(&'a self, tenant: &'a TenantId) -> impl Iterator<Item = &'a Arc<Upstream>> {
        self.upstreams.iter().filter(move |own| own.tenant == *tenant && !own.disabled)
    }

    pub fn tenant(&self, id: &TenantId) -> Option<&Arc<Tenant>> {
        self.tenants.get(id)
    }

    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.tenants.values()
    }

    /// Whether a directory is switched off. Costs nothing while none is.
    pub fn shuts(&self, tenant: &str) -> bool {
        self.shut && self.tenants.get(tenant).is_some_and(|tenant| tenant.disabled)
    }

    pub fn asks_acr(&self) -> bool {
        self.asks_acr
    }

    pub fn scope(&self, name: &str) -> Option<&ScopeWords> {
        self.scopes.get(name)
    }

    pub fn scopes(&self) -> impl Iterator<Item = &ScopeWords> {
        self.scopes.values()
    }

    /// Given where a request names no scope.
    pub fn default_scopes(&self) -> &Scope {
        &self.defaults
    }

    pub fn apis(&self) -> &[Api] {
        &self.apis
    }

    pub fn api_by_resource(&self, resource: &str) -> Option<&Api> {
        self.apis.iter().find(|api| api.resource == resource)
    }

    /// The API whose prefix a path is below, its rules, and the path below the prefix. Where two would claim a path
    /// (prefixes do not overlap; two commands at once could have made it so) neither has it.
    pub fn api_at<'a, 'p>(&'a self, path: &'p Path<'_>) -> Option<(&'a Api, &'a Rules, &'p str)> {
        let behind = self.apis.iter().zip(&self.rules).filter(|(api, _)| !api.prefix.is_empty());
        let mut found = behind.filter_map(|(api, rules)| Some((api, rules, path.below(&api.prefix)?)));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// OIDC Core §3.1.2.1 — what a sign-in asks for without what means nothing here, which is passed over; the answer says
    /// what was given.
    pub fn understood<'a>(&self, client: &Client, text: &'a str) -> Cow<'a, str> {
        let own = |name: &str| client.scope.as_ref().is_some_and(|own| own.contains(name));
        let known = |name: &&str| name.is_empty() || self.scopes.contains_key(*name) || own(name);
        let mut names = text.split(' ');
        if !names.clone().any(|name| name == "openid") || names.all(|name| known(&name)) {
            return text.into();
        }
        text.split(' ').filter(known).collect::<Vec<_>>().join(" ").into()
    }

    /// RFC 6749 §3.3 — the scope of a request: registered here and open to this client. Where none is asked for, the
    /// server's default scopes, or else all that the client was registered for.
    pub fn asked_scope(&self, client: &Client, text: Option<&str>) -> Result<Scope, Denial> {
        let Some(text) = text else {
            let defaults = self.defaults.filter(|name| client.may_ask_for(name));
            return Ok(if defaults.is_empty() { client.scope.clone().unwrap_or_default() } else { defaults });
        };
        let scope = Scope::parse(text).map_err(|_| {
            Code::InvalidScope.because("scope is a list of names, separated by single spaces")
        })?;
        // A name given to the client by an operator counts, with or without words for the consent page.
        let known = |name: &str| self.scopes.contains_key(name) || client.scope.is_some();
        if !scope.iter().all(|name| known(name) && client.may_ask_for(name)) {
            return Err(Code::InvalidScope
                .because("ask only for scopes that exist here and that this client was registered for"));
        }
        Ok(scope)
    }

    /// RFC 8707 §2.2 — the audience of a token for `scope` at `resources`. A named resource narrows the scope to what
    /// means something there. `meant`: the resources that authorization details are for (RFC 9396 §3). `for_user`: the token speaks for a person, not for the application itself.
    pub fn target<'a>(
        &'a self,
        resources: &[&str],
        meant: &[String],
        scope: &'a Scope,
        for_user: bool,
    ) -> Result<Target<'a>, Denial> {
        if self.apis.is_empty() && resources.is_empty() {
            return Ok(Target::everywhere(scope));
        }
        let apis = if resources.is_empty() {
            let mut apis = self.implied(scope, for_user);
            let more = meant.iter().filter_map(|uri| self.api_by_resource(uri));
            let more: Vec<_> = more.filter(|api| !apis.iter().any(|own| own.id == api.id)).collect();
            apis.extend(more);
            apis
        } else {
            let found: Option<_> = resources.iter().map(|uri| self.api_by_resource(uri)).collect();
            found.ok_or(
                Code::InvalidTarget.because("ask for a resource that is registered here, by its exact URI"),
            )?
        };
        let Some(first) = apis.first() else { return Ok(Target::everywhere(scope)) };
        let alike = apis
            .iter()
            .all(|api| (api.token_format, api.signing_alg) == (first.token_format, first.signing_alg));
        if !alike && !resources.is_empty() {
            return Err(
                Code::InvalidTarget.because("these resources want different tokens: ask for one at a time")
            );
        }
        let narrowed = !resources.is_empty() && apis.iter().all(|api| !api.scopes.is_empty());
        Ok(Target {
            audience: apis.iter().map(|api| api.resource.as_str()).collect(),
            format: if alike { first.token_format } else { TokenFormat::Sealed },
            algorithm: first.signing_alg,
            scope: if narrowed {
                Cow::Owned(scope.filter(|name| {
                    scope::STANDARD.iter().any(|(own, ..)| *own == name)
                        || apis.iter().any(|api| api.scopes.contains(name))
                }))
            } else {
                Cow::Borrowed(scope)
            },
            lifetime: apis.iter().filter_map(|api| api.access_token_lifetime).min(),
        })
    }

    /// The APIs that a request means without naming one: those its scopes belong to, or else those that registered no
    /// scopes and so take any. Who someone is opens no API: identity alone never implies one.
    fn implied(&self, scope: &Scope, for_user: bool) -> Vec<&Api> {
        let owning = |api: &&Api| api.scopes.iter().any(|name| scope.contains(name));
        let owners: Vec<&Api> = self.apis.iter().filter(owning).collect();
        let is_standard = |name: &str| scope::STANDARD.iter().any(|(own, ..)| *own == name);
        if !owners.is_empty() || (for_user && scope.iter().all(is_standard)) {
            return owners;
        }
        let open = |api: &&Api| api.scopes.is_empty() && api.token_format == TokenFormat::Sealed;
        self.apis.iter().filter(open).collect()
    }
}

impl<'a> Target<'a> {
    fn everywhere(scope: &'a Scope) -> Self {
        Self {
            audience: Vec::new(),
            format: TokenFormat::Sealed,
            algorithm: SigningAlgorithm::default(),
            scope: Cow::Borrowed(scope),
            lifetime: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn api(id: &str, scopes: &str, token_format: TokenFormat) -> Api {
        Api {
            id: id.into(),
            name: id.to_owned(),
            prefix: String::new(),
            upstream: String::new(),
            resource: format!("https://{id}.example"),
            scopes: Scope::parse(scopes).expect("scope"),
            token_format,
            signing_alg: SigningAlgorithm::Es256,
            access_token_lifetime: None,
            endpoints: Vec::new(),
            query_access_token: false,
            pass_token: false,
            browser: false,
            browser_scope: None,
            cors_origins: Vec::new(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            version: 1,
        }
    }

    #[test]
    fn rfc8707_section_2_2_the_resource_or_the_scope_names_the_audience() {
        let apis = vec![
            api("photos", "photos.read", TokenFormat::Jwt),
            api("mail", "mail.read", TokenFormat::Sealed),
        ];
        let catalog = Catalog::new(Vec::new(), apis);
        let (photos, mail) = ("https://photos.example", "https://mail.example");
        for (resources, scope, want) in [
            (
                vec![photos],
                "photos.read mail.read openid",
                Ok((vec![photos], TokenFormat::Jwt, "photos.read openid")),
            ),
            (vec![], "photos.read", Ok((vec![photos], TokenFormat::Jwt, "photos.read"))),
            (
                vec![],
                "photos.read mail.read",
                Ok((vec![photos, mail], TokenFormat::Sealed, "photos.read mail.read")),
            ),
            (vec![], "other", Ok((vec![], TokenFormat::Sealed, "other"))),
            (vec![photos, mail], "photos.read", Err(Code::InvalidTarget)),
            (vec!["https://photos.example/"], "photos.read", Err(Code::InvalidTarget)),
        ] {
            let scope = Scope::parse(scope).expect("scope");
            let got = catalog.target(&resources, &[], &scope, true);
            let got = got.map(|t| (t.audience, t.format, t.scope.to_string())).map_err(|d| d.code);
            assert_eq!(got, want.map(|(a, f, s)| (a, f, s.to_owned())), "{resources:?} {scope}");
        }
    }

    #[test]
    fn an_api_without_scopes_takes_any_that_is_more_than_identity() {
        let apis = vec![api("open", "", TokenFormat::Sealed), api("signed", "", TokenFormat::Jwt)];
        let catalog = Catalog::new(Vec::new(), apis);
        for (scope, for_user, want) in [
            ("read", true, vec!["https://open.example"]),
            ("read", false, vec!["https://open.example"]),
            ("", false, vec!["https://open.example"]),
            ("", true, vec![]),
            ("openid profile", true, vec![]),
        ] {
            let scope = Scope::parse(scope).expect("scope");
            let target = catalog.target(&[], &[], &scope, for_user).expect("a target");
            assert_eq!((target.audience, target.format), (want, TokenFormat::Sealed), "{scope} {for_user}");
        }
    }
}
