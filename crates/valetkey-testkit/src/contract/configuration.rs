//! The applied settings, and whole plans.

use super::Handle;
use super::fixtures::{any, client, record, told};
use valetkey_core::applied::{Applied, AppliedLifetimes};
use valetkey_core::audit::{Event, Record};
use valetkey_core::store::{ChangeKind, ScopeWords, Step, StoredSettings, Write};
use valetkey_core::time::Seconds;

fn scope(name: &str) -> Step {
    Step::CreateScope(ScopeWords {
        name: name.to_owned(),
        description: "See your things".to_owned(),
        detail: String::new(),
        default: false,
        standard: false,
    })
}

fn settings(seconds: i64, version: i64) -> StoredSettings {
    let lifetimes = AppliedLifetimes { access_token: Some(Seconds(seconds)), ..AppliedLifetimes::default() };
    StoredSettings { applied: Applied { lifetimes, ..Applied::default() }, version }
}

fn plan(steps: impl IntoIterator<Item = Step>) -> Vec<(Step, Record)> {
    steps.into_iter().map(|step| (step, any())).collect()
}

pub async fn settings_are_absent_then_guarded_by_their_version(store: Handle) {
    assert_eq!(store.applied().await.unwrap(), StoredSettings::default());
    let first = Step::Settings(settings(60, 0));
    assert_eq!(store.carry_out(&plan([first.clone()])).await.unwrap(), Write::Done);
    assert_eq!(store.applied().await.unwrap(), settings(60, 1));
    assert_eq!(store.carry_out(&plan([first])).await.unwrap(), Write::Conflict, "it is there already");
    assert_eq!(store.carry_out(&plan([Step::Settings(settings(90, 1))])).await.unwrap(), Write::Done);
    assert_eq!(store.carry_out(&plan([Step::Settings(settings(30, 1))])).await.unwrap(), Write::Conflict);
    assert_eq!(store.applied().await.unwrap(), settings(90, 2));
}

pub async fn a_plan_is_carried_out_whole_and_in_order(store: Handle) {
    let steps = plan([
        scope("read"),
        Step::DeleteScope("read".to_owned()),
        scope("read"),
        Step::CreateClient(client("web")),
        Step::Settings(settings(60, 0)),
    ]);
    assert_eq!(store.carry_out(&steps).await.unwrap(), Write::Done);
    assert_eq!(store.scopes().await.unwrap().len(), 1);
    assert!(store.client(&"web".into()).await.unwrap().is_some());
}

pub async fn of_a_plan_that_meets_a_conflict_nothing_is_left(store: Handle) {
    let there = plan([scope("read")]);
    assert_eq!(store.carry_out(&there).await.unwrap(), Write::Done);
    let before = store.latest_change().await.unwrap();
    for last in [scope("read"), Step::DeleteScope("none".to_owned()), Step::Settings(settings(60, 7))] {
        let steps = [
            (scope("write"), record(Event::ScopeCreated)),
            (Step::CreateClient(client("web")), record(Event::ClientCreated)),
            (last, record(Event::SettingsApplied)),
        ];
        assert_eq!(store.carry_out(&steps).await.unwrap(), Write::Conflict);
    }
    assert_eq!(store.scopes().await.unwrap().len(), 1);
    assert!(store.client(&"web".into()).await.unwrap().is_none());
    assert_eq!(store.applied().await.unwrap(), StoredSettings::default());
    assert_eq!(store.latest_change().await.unwrap(), before, "nothing was announced");
    for event in [Event::ScopeCreated, Event::ClientCreated, Event::SettingsApplied] {
        assert_eq!(told(&store, event).await, 0, "{event:?}");
    }
}

pub async fn every_step_is_announced_and_audited(store: Handle) {
    let steps = [
        (scope("read"), record(Event::ScopeCreated)),
        (Step::CreateClient(client("web")), record(Event::ClientCreated)),
        (Step::Settings(settings(60, 0)), record(Event::SettingsApplied)),
    ];
    assert_eq!(store.carry_out(&steps).await.unwrap(), Write::Done);
    let changes = store.changes_since(0).await.unwrap().unwrap();
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Scope, ChangeKind::Client, ChangeKind::Settings]);
    for event in [Event::ScopeCreated, Event::ClientCreated, Event::SettingsApplied] {
        assert_eq!(told(&store, event).await, 1, "{event:?}");
    }
}

pub async fn of_two_plans_at_once_one_wins(store: Handle) {
    let (one, two) = (plan([Step::Settings(settings(60, 0))]), plan([Step::Settings(settings(90, 0))]));
    let (first, second) = tokio::join!(store.carry_out(&one), store.carry_out(&two));
    let mut answers = [first.unwrap(), second.unwrap()];
    answers.sort_by_key(|write| *write != Write::Done);
    assert_eq!(answers, [Write::Done, Write::Conflict]);
    assert_eq!(store.applied().await.unwrap().version, 1);
}
