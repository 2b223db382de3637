//! Samples of what another device asks for: the code, the consent page, what became of it.

use super::{CSRF, Cast, PLAIN, Sample, ago, decide};
use crate::pages::view::{Consent, Decided, Device, DeviceError, Elsewhere, Outcome};
use valetkey_core::time::Seconds;

pub(super) fn states() -> Vec<Sample> {
    let device = |name: &str, code: &str, compare, error| {
        let page = Device { csrf: CSRF.to_owned(), code: code.to_owned(), compare, error };
        Sample::new(name, &page)
    };
    let mut samples = vec![
        device("device", "", false, None),
        device("device-compare", "WDJB-MJHT", true, None),
        device("device-missing", "", false, Some(DeviceError::Missing)),
        device("device-unknown", "wdjb mjhx", false, Some(DeviceError::Unknown)),
        device("device-used", "WDJB-MJHT", false, Some(DeviceError::Used)),
        device("device-expired", "WDJB-MJHT", false, Some(DeviceError::Expired)),
        device(
            "device-throttled",
            "WDJB-MJHT",
            false,
            Some(DeviceError::Throttled { wait: "40 seconds".to_owned() }),
        ),
        device("device-stale", "WDJB-MJHT", false, Some(DeviceError::Stale)),
        consent("consent-device", &PLAIN, by_device(true)),
        consent("consent-device-far", &PLAIN, by_device(false)),
        consent("consent-backchannel", &PLAIN, by_back_channel(Some("W4SCT"))),
        consent("consent-backchannel-silent", &PLAIN, by_back_channel(None)),
    ];
    samples.extend(outcomes().map(|(name, outcome)| {
        Sample::new(&format!("decided-{name}"), &Decided { app: PLAIN.app(), outcome })
    }));
    samples
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    let code = cast.username.to_owned();
    let device = Device { csrf: CSRF.to_owned(), code, compare: false, error: Some(DeviceError::Unknown) };
    let elsewhere = Elsewhere { device: Some(cast.name.to_owned()), ..by_back_channel(Some(cast.scope)) };
    let failed = Outcome::Failed { error: cast.app.to_owned(), detail: cast.scope.to_owned() };
    vec![
        Sample::new("device", &device),
        consent("consent-backchannel", cast, elsewhere),
        Sample::new("decided", &Decided { app: cast.app(), outcome: failed }),
    ]
}

fn consent(name: &str, cast: &Cast, elsewhere: Elsewhere) -> Sample {
    let mut page = Consent { elsewhere: Some(elsewhere), ..decide::first(cast) };
    page.technical.redirect_uri.clear();
    Sample::new(name, &page)
}

fn by_device(near: bool) -> Elsewhere {
    Elsewhere {
        code: Some("WDJB-MJHT".to_owned()),
        binding_message: None,
        address: "203.0.113.80".to_owned(),
        near,
        device: near.then(|| "Chrome on Linux".to_owned()),
        asked: ago(Seconds(70)),
    }
}

fn by_back_channel(message: Option<&str>) -> Elsewhere {
    Elsewhere { code: None, binding_message: message.map(str::to_owned), device: None, ..by_device(false) }
}

fn outcomes() -> [(&'static str, Outcome); 7] {
    let (error, detail) = ("access_denied", "the user directory was switched off meanwhile");
    [
        ("allowed", Outcome::Allowed),
        ("denied", Outcome::Denied),
        ("used", Outcome::Used),
        ("was-denied", Outcome::WasDenied),
        ("expired", Outcome::Expired),
        ("foreign", Outcome::Foreign),
        ("failed", Outcome::Failed { error: error.to_owned(), detail: detail.to_owned() }),
    ]
}
