//! Logs on standard error: text for a terminal, JSON for machines, and never a request that waits for the reader.

mod panic;
mod pipe;

pub(crate) use pipe::Pipe;

use crate::config::keys::{Log, LogFormat};
use std::io::IsTerminal;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging for a server. The lines go through the returned pipe; drop it last, so that the end is written.
pub(crate) fn start(log: &Log) -> anyhow::Result<Pipe> {
    let filter = filter(&log.level).map_err(anyhow::Error::msg)?;
    let pipe = Pipe::start(std::io::stderr())?;
    let terminal = std::io::stderr().is_terminal();
    let text = match log.format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(pipe.clone()).with_span_events(FmtSpan::NONE);
    let registry = tracing_subscriber::registry().with(filter);
    if text {
        registry.with(lines.with_ansi(terminal)).try_init()?;
    } else {
        registry
            .with(lines.json().flatten_event(true).with_current_span(true).with_span_list(false))
            .try_init()?;
    }
    panic::install();
    Ok(pipe)
}

/// One level speaks of Valetkey alone: the libraries below say at most `warn`, and a line for every request is asked for
/// by `debug` or by name. Directives are taken as they are.
pub(crate) fn filter(level: &str) -> Result<Targets, String> {
    let wrong = || {
        format!(
            "{level:?} is no level: expected error, warn, info, debug or trace, or directives such as \"info,valetkey::access=info\""
        )
    };
    if level.contains([',', '=']) {
        return level.parse().map_err(|_| wrong());
    }
    let own: Level = level.parse().map_err(|_| wrong())?;
    let others = own.min(Level::WARN);
    let access = if own == Level::INFO { Level::WARN } else { own };
    Ok(Targets::new()
        .with_default(others)
        .with_target("valetkey", own)
        .with_target("valetkey::access", access))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_level_speaks_of_valetkey_and_keeps_libraries_quiet() {
        for (level, target, at, want) in [
            ("info", "valetkey_store::engine", Level::INFO, true),
            ("info", "valetkey::access", Level::INFO, false),
            ("info", "valetkey::access", Level::WARN, true),
            ("debug", "valetkey::access", Level::INFO, true),
            ("trace", "h2::codec", Level::INFO, false),
            ("error", "valetkey::access", Level::WARN, false),
            ("info,valetkey::access=info", "valetkey::access", Level::INFO, true),
            ("warn,h2=debug", "h2::codec", Level::DEBUG, true),
        ] {
            let filter = filter(level).expect("a filter");
            assert_eq!(filter.would_enable(target, &at), want, "{level}: {target} at {at}");
        }
        assert!(filter("loud").is_err() && filter("a=b=c").is_err());
    }
}
