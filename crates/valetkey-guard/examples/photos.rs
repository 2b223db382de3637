//! An API behind a guard. README.md has the lines that make it an API of `valetkey dev` and call it.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::error::Error;
use tokio::net::TcpListener;
use valetkey_guard::{Caller, Guard};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let issuer = given.next().unwrap_or_else(|| "http://localhost:8080".to_owned());
    let secret = given.next().ok_or("usage: photos ISSUER SECRET [ADDRESS]")?;
    let address = given.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());

    let guard = Guard::discover(issuer)
        .audience("https://photos.example")
        .introspect_as("photos", secret)
        .build()
        .await?;
    let app = Router::new()
        .route("/me", get(me))
        .route("/photos", get(photos).layer(guard.require("read")))
        .route("/upload", get(photos).layer(guard.require("write")))
        .layer(guard.layer());

    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    #[expect(clippy::disallowed_methods, reason = "an example on this machine")]
    axum::serve(listener, app).await?;
    Ok(())
}

async fn me(caller: Caller) -> Json<Value> {
    Json(json!({"subject": caller.subject, "client": caller.client, "scope": caller.scope.to_string()}))
}

async fn photos() -> Json<Value> {
    Json(json!(["alps.jpg", "cat.jpg"]))
}
