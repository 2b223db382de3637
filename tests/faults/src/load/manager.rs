//! Management commands beside the load. They open the store themselves, so each must end well or say why it did not.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::load::sky::Sky;
use crate::load::wire::App;
use crate::world::node::Place;

/// A client that a command made, and perhaps another switched off.
#[derive(Debug, Clone)]
pub struct Made {
    pub app: App,
    pub disabled: bool,
}

/// What management commands did beside the load.
#[derive(Debug, Default)]
pub struct Managed {
    pub made: Vec<Made>,
    /// Commands that failed, with what they said.
    pub failed: Vec<String>,
    pub slowest: Duration,
}

/// Makes clients until the load is over, and switches each fourth off again.
pub fn manage(place: &Place, round: u32, sky: &Sky) -> Managed {
    let mut managed = Managed::default();
    let mut serial = 0;
    while !sky.is_over() {
        serial += 1;
        let name = format!("Made {round} {serial}");
        let began = Instant::now();
        match place.register(&name, &["--scope", "read", "--grant", "client_credentials"]) {
            Ok(app) => {
                let switched = (serial % 4 == 0).then(|| switch_off(place, &app));
                // A command that failed may have done it or not: nothing can be said of that client.
                match switched {
                    None => managed.made.push(Made { app, disabled: false }),
                    Some(Ok(())) => managed.made.push(Made { app, disabled: true }),
                    Some(Err(error)) => managed.failed.push(error.to_string()),
                }
            }
            Err(error) => {
                managed.failed.push(format!("a command after {} ms: {error}", began.elapsed().as_millis()));
            }
        }
        managed.slowest = managed.slowest.max(began.elapsed());
        // Few enough that the load stays the clients'.
        for _ in 0..20 {
            if !sky.is_over() {
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
    managed
}

fn switch_off(place: &Place, app: &App) -> io::Result<()> {
    place.manage(&["client", "disable", &app.id], "").map(|_| ()).map_err(io::Error::other)
}
