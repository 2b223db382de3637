//! RFC 8252 §7.3 — the loopback address to which the browser brings the code

use anyhow::{Context as _, Result, bail};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Longer requests are not our redirect.
const LARGEST: usize = 16 * 1024;
/// For one connection to say what it wants: browsers open some that say nothing.
const PATIENCE: Duration = Duration::from_secs(5);

const DONE: &str = "<!doctype html><html lang=\"en\"><title>Done</title>\
    <p>Done. Go back to the terminal; this page can be closed.</p></html>";

/// Waits for a request of the path and returns its query. Anything else (an icon, a probe) is answered 404.
pub(super) async fn query(listener: &TcpListener, path: &str, patience: Duration) -> Result<String> {
    let waiting = async {
        loop {
            let (stream, _) = listener.accept().await.context("cannot accept the browser's connection")?;
            if let Ok(Some(query)) = timeout(PATIENCE, answer(stream, path)).await {
                return Ok(query);
            }
        }
    };
    match timeout(patience, waiting).await {
        Ok(query) => query,
        Err(_) => bail!("nobody came back within {} s: run it again", patience.as_secs()),
    }
}

async fn answer(mut stream: TcpStream, path: &str) -> Option<String> {
    let head = head(&mut stream).await?;
    let target = head.strip_prefix("GET ")?.split(' ').next()?;
    let (own, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, body) = if own == path { ("200 OK", DONE) } else { ("404 Not Found", "") };
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         content-security-policy: default-src 'none'\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(response.as_bytes()).await.ok()?;
    stream.shutdown().await.ok();
    (own == path).then(|| query.to_owned())
}

/// Request line and headers.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        if bytes.len() > LARGEST || stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_request_of_the_path_brings_the_query_and_others_do_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let waiting =
            tokio::spawn(async move { query(&listener, "/callback", Duration::from_secs(5)).await });
        for (target, want) in [("/favicon.ico", "404"), ("/callback?code=x&state=y", "200")] {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            stream
                .write_all(format!("GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
                .await
                .expect("sent");
            let mut reply = String::new();
            stream.read_to_string(&mut reply).await.expect("an answer");
            assert!(reply.starts_with(&format!("HTTP/1.1 {want}")), "{reply}");
        }
        assert_eq!(waiting.await.expect("ended").expect("came"), "code=x&state=y");
    }
}
