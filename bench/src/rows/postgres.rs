//! Rows on PostgreSQL: refresh beside `pgbench`, and two servers beside one.

use anyhow::Result;

use super::{loads, set_up_on};
use crate::load::{Load, Party};
use crate::measure::{Basis, Runs, Stage, World};
use crate::postgres::Cluster;
use crate::report::Figures;
use crate::server::Install;

pub(super) fn refresh(stage: &Stage) -> Result<Figures> {
    beside_pgbench(stage, loads::refresh)
}

pub(super) fn refresh_wide(stage: &Stage) -> Result<Figures> {
    beside_pgbench(stage, loads::refresh_wide)
}

/// `pgbench` stands where the server stands, with as many clients as there are connections; PostgreSQL may use both cores.
fn beside_pgbench(stage: &Stage, load: loads::Make) -> Result<Figures> {
    let cluster = Cluster::start(&stage.parent, stage.pins)?;
    let world = world(stage, &cluster)?;
    let exchanges = load(stage, &world)?;
    let clients = exchanges.len();
    let mut rate = || cluster.updates(clients, stage.plan.run);
    let what = format!("pgbench, one-row updates, {clients} clients");
    let figures = stage.measure(&world, exchanges, Basis::Rate(what, &mut rate))?;
    drop(world);
    Ok(figures)
}

fn world(stage: &Stage, cluster: &Cluster) -> Result<World> {
    let url = cluster.database("valetkey")?;
    let further = [("database_url", url.as_str())];
    let install = Install::prepare_with(stage.binary.clone(), &stage.parent, stage.pins, &further)?;
    set_up_on(&stage.plan, install)
}

/// Two servers on one database, each with a core, beside one: signatures by RSA, of which the load generator, which has
/// to share one of the cores, needs next to nothing.
pub(super) fn nodes(stage: &Stage) -> Result<Figures> {
    let cluster = Cluster::start(&stage.parent, stage.pins)?;
    let one = world(stage, &cluster)?;
    let (issuer, url) = (format!("http://{}", one.install.public), cluster.address("valetkey"));
    let further = [("database_url", url.as_str()), ("issuer", &issuer)];
    let pins = stage.pins.exchanged();
    let other = Install::prepare_with(stage.binary.clone(), &stage.parent, pins, &further)?;
    other.take_key_of(&one.install)?;
    let running = other.start()?;
    let party = || Ok::<_, anyhow::Error>(Party { exchanges: loads::rs256(stage, &one)?, rate: None });
    let mut both = Load::connect_all(vec![(one.install.public, party()?), (other.public, party()?)])?;
    let mut alone = stage.rate_of(&one, loads::rs256(stage, &one)?)?;
    both.run(stage.plan.warm_up)?;
    let (mut runs, mut rates) = (Runs::default(), vec![alone()?]);
    for _ in 0..stage.plan.runs {
        runs.add_together(&both.run(stage.plan.run)?);
        rates.push(alone()?);
    }
    drop(running);
    let mut figures = runs.figures(2 * stage.plan.connections);
    figures.compare("one server on one core".to_owned(), &rates);
    Ok(figures.with_note("the load generator shares the second server's core".to_owned()))
}
