//! Steps on a real server: in the middle of traffic, beside each other, beside older servers, and after a kill.

use super::super::Address;
use super::super::connection::{Connection, Connector};
use super::{Stopped, applied, bring_up};
use crate::migrate::{Migration, Refused};
use std::process::{Command, Stdio};
use valetkey_testkit::postgres::{Cluster, Database};

const fn step(version: i64, compatible_from: i64, sql: &'static str) -> Migration {
    Migration { version, name: "step", compatible_from, sql }
}

const ONE: Migration = step(1, 1, "CREATE TABLE one (a BIGINT); INSERT INTO one VALUES (1);");
const TWO: Migration = step(2, 1, "ALTER TABLE one ADD COLUMN b BIGINT");

async fn connect(url: &str) -> Connection {
    Connector::new(Address::parse(url).unwrap()).unwrap().connect(None).await.unwrap()
}

async fn fresh() -> (Database, Connection) {
    let database = Cluster::shared().database().await;
    let connection = connect(&database.url).await;
    (database, connection)
}

async fn migrate(connection: &Connection, steps: &[Migration]) {
    assert!(bring_up(connection, steps).await.is_ok());
}

async fn number(connection: &Connection, sql: &str) -> i64 {
    connection.client.query_typed(sql, &[]).await.unwrap()[0].get(0)
}

#[tokio::test]
async fn steps_are_applied_once_by_however_many() {
    let (database, first) = fresh().await;
    let slow = step(2, 1, "SELECT pg_sleep(0.2); INSERT INTO one VALUES (2)");
    let second = connect(&database.url).await;
    let third = connect(&database.url).await;
    let (short, long) = ([ONE], [ONE, slow]);
    tokio::join!(migrate(&first, &short), migrate(&second, &long), migrate(&third, &long));
    assert_eq!(number(&first, "SELECT count(*) FROM one").await, 2);
    assert_eq!(applied(&first).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_step_that_waits_for_a_table_lets_others_pass() {
    let (database, own) = fresh().await;
    migrate(&own, &[ONE]).await;
    let (holder, traffic) = (connect(&database.url).await, connect(&database.url).await);
    holder
        .client
        .batch_execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SELECT * FROM one")
        .await
        .unwrap();
    traffic.client.batch_execute("SET statement_timeout = 1500").await.unwrap();
    let meanwhile = async {
        // Seen to wait, to have let go, and to wait once more: all the while others read.
        let waits = format!(
            "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
             JOIN pg_namespace s ON s.oid = c.relnamespace
             WHERE s.nspname = '{}' AND c.relname = 'one' AND NOT l.granted AND l.mode = 'AccessExclusiveLock'",
            database.schema
        );
        for wanted in [1, 0, 1] {
            while number(&traffic, &waits).await != wanted {
                assert_eq!(number(&traffic, "SELECT count(*) FROM one").await, 1);
            }
        }
        holder.client.batch_execute("COMMIT").await.unwrap();
    };
    let steps = [ONE, TWO];
    tokio::join!(migrate(&own, &steps), meanwhile);
    assert_eq!(number(&own, "SELECT count(*) FROM one WHERE b IS NULL").await, 1);
}

#[tokio::test]
async fn what_takes_something_away_waits_until_no_older_server_runs() {
    let (_, own) = fresh().await;
    let made = [ONE, step(13, 1, "CREATE TABLE nodes (id TEXT, knows BIGINT, version TEXT, seen_at BIGINT)")];
    migrate(&own, &made).await;
    let see = "INSERT INTO nodes SELECT 'old', 13, '1', extract(epoch FROM clock_timestamp())::bigint";
    own.client.batch_execute(see).await.unwrap();
    let [one, nodes] = made;
    let adding = [one, nodes, step(14, 13, "ALTER TABLE one ADD COLUMN c BIGINT")];
    migrate(&own, &adding).await;
    let [.., adds] = adding;
    let taking = [one, nodes, adds, step(15, 14, "ALTER TABLE one DROP COLUMN a")];
    let stopped = bring_up(&own, &taking).await;
    assert!(matches!(stopped, Err(Stopped::Refused(Refused::Behind { version: 15 }))));
    own.client.batch_execute("UPDATE nodes SET seen_at = seen_at - 60").await.unwrap();
    migrate(&own, &taking).await;
    let older = bring_up(&own, &made).await;
    assert!(matches!(older, Err(Stopped::Refused(Refused::Newer { found: 15, known: 13 }))));
}

#[tokio::test]
async fn an_older_version_goes_on_with_what_a_newer_one_added_and_back_again() {
    let (_, own) = fresh().await;
    for steps in [&[ONE][..], &[ONE, TWO], &[ONE], &[ONE, TWO]] {
        migrate(&own, steps).await;
    }
    own.client.batch_execute("ALTER TABLE schema_history DROP COLUMN compatible_from").await.unwrap();
    assert!(bring_up(&own, &[ONE]).await.is_err(), "a history that says nothing leaves no room");
}

const MIGRATES: &str = "engine::postgres::migrate::tests::migrates_until_it_is_killed";
const SLOW: [Migration; 4] = [
    ONE,
    TWO,
    step(3, 1, "INSERT INTO one VALUES (3); SELECT pg_sleep(0.3); CREATE TABLE three (a BIGINT)"),
    step(4, 1, "INSERT INTO one VALUES (4); SELECT pg_sleep(0.3); CREATE TABLE four (a BIGINT)"),
];

#[tokio::test]
#[ignore = "the child of the test below: changes the schema until it is killed"]
async fn migrates_until_it_is_killed() {
    let mut url = String::new();
    std::io::stdin().read_line(&mut url).unwrap();
    migrate(&connect(url.trim()).await, &SLOW).await;
}

#[tokio::test]
async fn whenever_it_is_killed_the_next_start_ends_the_work() {
    // Killed after so many steps, in the middle of the one that follows.
    for steps in 1..=3 {
        let (database, own) = fresh().await;
        migrate(&own, &[ONE]).await;
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", MIGRATES, "--ignored"]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{}\n", database.url).as_bytes())
            .unwrap();
        while applied(&own).await.unwrap().len() < steps {}
        child.kill().unwrap();
        child.wait().unwrap();
        migrate(&own, &SLOW).await;
        assert_eq!(number(&own, "SELECT count(*) FROM one").await, 3, "each step once");
        assert_eq!(applied(&own).await.unwrap().len(), 4);
    }
}
