//! `/developer/apps/{id}/logo`: an application's picture.

use super::super::respond::plain_error;
use super::super::view::ErrorKind;
use super::super::view::developer::Done;
use super::multipart::Upload;
use super::settings::{Beside, draw};
use super::{go, home, is_own, owned, visitor};
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use valetkey_core::manage::portal;

/// Takes a picture, or with `remove` the one that is there away.
pub(crate) async fn post(Path(id): Path<String>, upload: Upload) -> Response {
    let call = &upload.call;
    let back = format!("{}/edit", home(&id));
    let user = match visitor(call, &back).await {
        Ok(user) => user,
        Err(response) => return response,
    };
    let parts = match upload.parts() {
        Ok(parts) => parts,
        Err(response) => return response,
    };
    let part = |name: &str| parts.iter().find(|(own, _)| *own == name).map(|(_, bytes)| *bytes);
    let proof = part("csrf").and_then(|bytes| std::str::from_utf8(bytes).ok());
    if !is_own(call, proof) {
        return plain_error(call, ErrorKind::Forgery);
    }
    let client = match owned(call, &user, &id).await {
        Ok(client) => client,
        Err(response) => return response,
    };
    let remove = part("remove").is_some();
    let bytes = (!remove).then(|| part("logo").unwrap_or_default());
    match portal::set_logo(&call.cx, &user, &client.id, bytes).await {
        Ok(_) => go(call, &back, if remove { Done::LogoRemoved } else { Done::Logo }),
        Err(why) => match super::not_done(call, why) {
            Ok(words) => {
                let beside = Beside { logo: Some(words), ..Beside::default() };
                draw(call, &user, &client, StatusCode::BAD_REQUEST, beside).await
            }
            Err(response) => response,
        },
    }
}
