//! R11 — the primary is killed and its synchronous standby takes over; the standby is lost; the old primary comes back.

use std::io::{self, Error};
use std::thread;
use std::time::{Duration, Instant};

use crate::fault::{Fault, Outcome, Stage};
use crate::load::crew::Crew;
use crate::load::judge::Depth;
use crate::load::ledger::Rule;
use crate::probe::Probe;
use crate::world::chores::until;
use crate::world::node::{Node, Place};
use crate::world::postgres::{Postgres, url};

pub const FAULT: Fault = Fault {
    id: "R11",
    name: "primary killed, synchronous standby promoted; standby lost; old primary returns",
    pass: "nothing acknowledged is lost, V1 to V4 hold; writes go on within 10 s; without a standby no commit is acknowledged; \
           an old primary that comes back is not used, also by a node that starts then",
    smoke: false,
    run,
};

const OUTAGE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);

struct Pair {
    primary: Postgres,
    standby: Postgres,
    nodes: [Node; 2],
    crew: Crew,
    probe: Probe,
    outcome: Outcome,
}

fn run(stage: &Stage) -> io::Result<Outcome> {
    let primary = Postgres::new(&stage.home, "one")?;
    let standby = primary.standby(&stage.home, "two")?;
    wait_for_confirmation(&primary)?;
    let place = Place::on_postgres(&stage.bin, &stage.home, "node1", &url(&[primary.port, standby.port]))?;
    let sibling = place.sibling("node2")?;
    let nodes = [Node::started(place)?, Node::started(sibling)?];
    let doors = [nodes[0].place.public, nodes[1].place.public];
    let crew = Crew::hire(&nodes[0].place, &doors, stage.workers, stage.seed, &stage.home)?;
    let probe = Probe::new(&nodes[0].place, doors[0], 3000)?;
    let mut pair = Pair { primary, standby, nodes, crew, probe, outcome: Outcome::new() };
    for round in 0..stage.rounds(2, 6) {
        pair.outcome.rounds += 1;
        if round % 2 == 0 {
            pair.lose_standby(stage)?;
        }
        pair.fail_over(stage)?;
        pair.old_primary_returns()?;
        pair.renew_standby(stage, round)?;
    }
    pair.judge(Depth::All);
    for node in &pair.nodes {
        pair.crew.judge_log(&node.place)?;
    }
    pair.outcome.take(&mut pair.crew);
    Ok(pair.outcome)
}

/// From now on each commit waits for a standby.
fn wait_for_confirmation(primary: &Postgres) -> io::Result<()> {
    primary.confirm_commits("ANY 1 (*)")?;
    let synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')";
    until("a standby confirms", PATIENCE, || primary.query(synchronous).is_ok_and(|count| count != "0"))
        .map(|_| ())
}

impl Pair {
    fn judge(&mut self, depth: Depth) {
        // A change on one node holds on the other within a second.
        thread::sleep(Duration::from_millis(1100));
        self.crew.change_sides();
        self.crew.judge(depth);
        self.crew.change_sides();
    }

    /// Commits that nobody confirms are not acknowledged.
    fn lose_standby(&mut self, stage: &Stage) -> io::Result<()> {
        let Self { crew, standby, probe, outcome, nodes, .. } = self;
        crew.load(|sky| {
            thread::sleep(Duration::from_millis(700));
            sky.storm();
            standby.kill()?;
            // What was on its way when the standby died may have been confirmed.
            thread::sleep(Duration::from_millis(200));
            let (began, mut refused) = (Instant::now(), 0);
            while began.elapsed() < Duration::from_secs(5) {
                let look = probe.write();
                if look.is_done() {
                    outcome.breach(Rule::Asked, "a commit was acknowledged that no standby had");
                } else if look.is_busy() {
                    refused += 1;
                } else {
                    outcome.breach(Rule::CleanAnswers, format!("without a standby: {:?}", look.reply));
                }
                outcome.in_time("a refusal", look.took, stage.limit(Duration::from_secs(2)));
            }
            outcome.note(format!("without a standby {refused} writes were refused and none acknowledged"));
            standby.start()?;
            probe.until_well(&nodes[0], PATIENCE)?;
            thread::sleep(Duration::from_secs(2));
            sky.clear();
            Ok(())
        })?;
        self.judge(Depth::Sample);
        Ok(())
    }

    fn fail_over(&mut self, stage: &Stage) -> io::Result<()> {
        let Self { crew, primary, standby, probe, outcome, nodes, .. } = self;
        crew.load(|sky| {
            thread::sleep(Duration::from_millis(1500));
            sky.storm();
            let began = Instant::now();
            primary.kill()?;
            // The new primary is alone at first, as an operator or a failover manager would have it.
            standby.configure("synchronous_standby_names = ''\n")?;
            standby.promote()?;
            for node in nodes.iter() {
                probe.until_well(node, PATIENCE)?;
            }
            outcome.recovered(began.elapsed(), stage.limit(OUTAGE));
            thread::sleep(Duration::from_secs(2));
            sky.clear();
            thread::sleep(Duration::from_secs(1));
            Ok(())
        })?;
        std::mem::swap(&mut self.primary, &mut self.standby);
        self.judge(Depth::Sample);
        Ok(())
    }

    /// Somebody starts the old primary as if nothing had happened. It takes writes, and it is behind.
    fn old_primary_returns(&mut self) -> io::Result<()> {
        self.standby.configure("synchronous_standby_names = ''\n")?;
        self.standby.start()?;
        let old = "SELECT coalesce(max(seq), 0) FROM changes";
        let before: i64 = self.standby.query(old)?.parse().map_err(Error::other)?;
        // One node makes new connections, the other starts anew.
        let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'valetkey'";
        self.nodes[1].kill()?;
        self.nodes[1].start()?;
        let Self { crew, primary, .. } = self;
        crew.load(|sky| {
            sky.storm();
            for _ in 0..5 {
                primary.query(terminate)?;
                thread::sleep(Duration::from_millis(200));
            }
            thread::sleep(Duration::from_secs(2));
            sky.clear();
            thread::sleep(Duration::from_secs(1));
            Ok(())
        })?;
        let after: i64 = self.standby.query(old)?.parse().map_err(Error::other)?;
        self.outcome.demand(after == before, || {
            format!("the old primary was written to: {} entries", after - before)
        });
        self.judge(Depth::Sample);
        self.standby.stop()
    }

    /// The old primary becomes a standby of the new one.
    fn renew_standby(&mut self, stage: &Stage, round: u32) -> io::Result<()> {
        self.standby = self.primary.standby(&stage.home, &format!("standby{round}"))?;
        wait_for_confirmation(&self.primary)?;
        let url = url(&[self.primary.port, self.standby.port]);
        for node in &mut self.nodes {
            node.place.set("VALETKEY__DATABASE_URL", &url);
            node.kill()?;
            node.start()?;
        }
        Ok(())
    }
}
