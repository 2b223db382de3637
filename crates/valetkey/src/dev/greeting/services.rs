//! The requests that a service's own documentation prints, as lines to paste.

use super::super::{PASSWORD, SERVICE, SPA, USERNAME, WEB};
use data_encoding::BASE64URL_NOPAD;
use valetkey_core::client::redirect_uri::OOB;
use valetkey_web::app::Demo;

/// A request, and what it is for. What is to be opened in a browser is an address, everything else a line for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) about: String,
    pub(super) line: String,
}

fn line(about: impl Into<String>, line: impl Into<String>) -> Line {
    Line { about: about.into(), line: line.into() }
}

/// The requests of a preset.
pub(super) fn of(preset: &str, issuer: &str, demo: &Demo) -> Vec<Line> {
    let at = At { issuer, demo };
    match preset {
        "tout" => at.tout(),
        "mastodon" => at.mastodon(),
        "toon" => at.toon(),
        "service-account" => at.service_account(),
        "own-provider" => at.own_provider(),
        _ => Vec::new(),
    }
}

struct At<'a> {
    issuer: &'a str,
    demo: &'a Demo,
}

/// `$(… | take an access token)`
fn token_of(ask: &str) -> String {
    format!(r#"$({ask} | sed 's/.*"access_token":"\([^"]*\)".*/\1/')"#)
}

impl At<'_> {
    fn call(token: &str, url: &str) -> String {
        format!("curl -s -H \"Authorization: Bearer {token}\" \"{url}\"; echo")
    }

    /// `-d client_id=… -d client_secret=…`
    fn web() -> String {
        format!("-d client_id={} -d client_secret={}", WEB.0, WEB.1)
    }

    fn tout(&self) -> Vec<Line> {
        let Self { issuer, .. } = self;
        let token = format!("{issuer}/oauth/token");
        let query = format!("client_id={}&client_secret={}&grant_type=client_credentials", WEB.0, WEB.1);
        let ask = format!("curl -s {token} {} -d grant_type=client_credentials", Self::web());
        let console = encoded(&format!("{issuer}/console"));
        vec![
            line(
                "A token for the application, with everything in the address; it lives two years",
                format!("curl -s -X POST \"{token}?{query}\"; echo"),
            ),
            line("The same, in the body", format!("{ask}; echo")),
            line("Read with it", Self::call(&token_of(&ask), &format!("{issuer}/v1/hashtags/rust/touts"))),
            line(
                format!(
                    "Open this and sign in as {USERNAME}: the token comes in the fragment, and the console takes it"
                ),
                format!(
                    "{issuer}/oauth/authorize?response_type=token&client_id={}&redirect_uri={console}&scope=read+write+share+update_auth",
                    WEB.0
                ),
            ),
        ]
    }

    fn mastodon(&self) -> Vec<Line> {
        let Self { issuer, .. } = self;
        let token = format!("{issuer}/oauth/token");
        let own = format!("curl -s {token} {} -d grant_type=client_credentials", Self::web());
        vec![
            line(
                "Register an application: its answer has client_id and client_secret",
                format!(
                    "curl -s {issuer}/api/v1/apps -d \"client_name=My app\" -d redirect_uris={OOB} -d \"scopes=read write follow\"; echo"
                ),
            ),
            line(
                format!("Open this and sign in as {USERNAME}: the code is shown on a page"),
                format!(
                    "{issuer}/oauth/authorize?scope=read%20write%20follow&response_type=code&redirect_uri={OOB}&client_id={}",
                    WEB.0
                ),
            ),
            line(
                "Store the code as your refresh token, and put it in place of CODE",
                format!(
                    "curl -s {token} {} -d grant_type=refresh_token -d refresh_token=CODE; echo",
                    Self::web()
                ),
            ),
            line(
                "Verify credentials: the application's own",
                Self::call(&token_of(&own), &format!("{issuer}/api/v1/apps/verify_credentials")),
            ),
            line(
                "And the account's, with the access token in place of TOKEN",
                Self::call("TOKEN", &format!("{issuer}/api/v1/accounts/verify_credentials")),
            ),
        ]
    }

    fn toon(&self) -> Vec<Line> {
        let Self { issuer, demo } = self;
        let callback = encoded(&demo.redirect_uri);
        let form = "-H \"Content-Type: application/x-www-form-urlencoded\"";
        let keys = format!("client_id={}&client_secret={}", WEB.0, WEB.1);
        let authorize = |kind: &str, client: &str, tenant: &str| {
            format!(
                "{issuer}/authorize?response_type={kind}&redirect_uri={callback}&client_id={client}&tenant_id={tenant}"
            )
        };
        vec![
            line(
                "The authorization request answers with the login page of the utility",
                format!(
                    "curl -s -o /dev/null -w '%{{redirect_url}}\\n' \"{}\"",
                    authorize("code", WEB.0, "eneco")
                ),
            ),
            line("So open it in a browser, and sign in as emma", authorize("code", WEB.0, "eneco")),
            line(
                "Its code in place of CODE, for an access token of 30 minutes and a refresh token",
                format!(
                    "curl -s -X POST {form} -d \"{keys}&grant_type=authorization_code&code=CODE\" {issuer}/token; echo"
                ),
            ),
            line("Implicit: open this; the token comes in the fragment", authorize("token", SPA, "")),
            line(
                "Refresh, with the refresh token in place of REFRESH",
                format!(
                    "curl -s -X POST {form} -d \"{keys}&grant_type=refresh_token&refresh_token=REFRESH\" {issuer}/token; echo"
                ),
            ),
            line(
                "Call the API, with the access token in place of TOKEN",
                Self::call("TOKEN", &format!("{issuer}/toon/v3/agreements")),
            ),
            line(
                "Revoke it: its refresh token is dead too",
                format!("curl -s -X POST {form} -d \"token=TOKEN&{keys}\" {issuer}/revoke; echo"),
            ),
        ]
    }

    fn service_account(&self) -> Vec<Line> {
        let Self { issuer, .. } = self;
        let query =
            format!("grant_type=client_credentials&client_id={}&client_secret={}", SERVICE.0, SERVICE.1);
        let ask = format!("curl -s -X POST \"{issuer}/token?{query}\"");
        let (token, own) = (token_of(&ask), format!("{issuer}/api/developer/v1/application"));
        vec![
            line("A token for the application's own account", format!("{ask}; echo")),
            line("What it is registered as", Self::call(&token, &own)),
            line(
                "It changes its own description",
                format!(
                    "curl -s -X PATCH -H \"Authorization: Bearer {token}\" -H \"Content-Type: application/json\" -d '{{\"description\":\"Prints photos\"}}' {own}; echo"
                ),
            ),
            line("It reads other data of its account", Self::call(&token, &format!("{issuer}/v1/account"))),
        ]
    }

    fn own_provider(&self) -> Vec<Line> {
        let Self { issuer, .. } = self;
        let token = format!("{issuer}/oauth/token");
        let person = format!("-d grant_type=password -d username={USERNAME} -d password={PASSWORD}");
        let ask = format!("curl -s {token} {} {person}", Self::web());
        let own = format!("curl -s {token} {} -d grant_type=client_credentials -d scope=status", Self::web());
        vec![
            line("User credentials", format!("{ask}; echo")),
            line(
                "The token as a parameter of the address",
                format!("curl -s \"{issuer}/profiles/me?access_token={}\"; echo", token_of(&ask)),
            ),
            line(
                "Client credentials, for what is nobody's",
                Self::call(&token_of(&own), &format!("{issuer}/status/now")),
            ),
            line(
                "Refresh, over and over again, with the refresh token in place of REFRESH",
                format!(
                    "curl -s {token} {} -d grant_type=refresh_token -d refresh_token=REFRESH; echo",
                    Self::web()
                ),
            ),
            line(
                format!("The code flow: open this, sign in as {USERNAME}, and untick what you do not want"),
                self.code_link("read-user-profile write-user-profile mail calendar"),
            ),
        ]
    }

    fn code_link(&self, scope: &str) -> String {
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.demo.code_verifier.as_bytes());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", WEB.0)
            .append_pair("redirect_uri", &self.demo.redirect_uri)
            .append_pair("scope", scope)
            .append_pair("code_challenge", &BASE64URL_NOPAD.encode(digest.as_ref()))
            .append_pair("code_challenge_method", "S256")
            .finish();
        format!("{}/oauth/authorize?{query}", self.issuer)
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
