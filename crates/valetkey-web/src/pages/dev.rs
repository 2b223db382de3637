//! `/dev/callback`, in `valetkey dev` only: plays the demo application and says what to do with the code.

use super::respond::{page, plain_error};
use super::view::{Callback, DevCallback, ErrorKind};
use crate::extract::Call;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::endpoint::discovery::path;
use valetkey_core::params::Params;

pub(crate) async fn get(call: Call) -> Response {
    let (Some(demo), Ok(params)) = (&call.app.demo, Params::parse(call.query())) else {
        return plain_error(&call, ErrorKind::NotFound);
    };
    let came = match (params.one("code"), params.one("error")) {
        (Some(code), _) if code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)) => {
            Callback::Code {
                code: code.to_owned(),
                curl: format!(
                    "curl -u {}:{} \\\n  -d grant_type=authorization_code \\\n  -d code={code} \\\n  -d redirect_uri={} \\\n  -d code_verifier={} \\\n  {}",
                    demo.client_id,
                    demo.client_secret,
                    demo.redirect_uri,
                    demo.code_verifier,
                    call.cx.settings.url(path::TOKEN),
                ),
            }
        }
        (_, Some(error)) => Callback::Error {
            error: error.to_owned(),
            description: params.one("error_description").map(str::to_owned),
        },
        _ => Callback::Nothing,
    };
    let own = |name| params.one(name).map(str::to_owned);
    page(&call, StatusCode::OK, &DevCallback { state: own("state"), iss: own("iss"), came })
}
