//! What a person is to decide elsewhere than where it was asked for.

use super::Handle;
use super::fixtures::{CALLERS, NOW, ROUNDS, any, later, race, user};
use valetkey_core::audit::Record;
use valetkey_core::ids::{ClientId, Id, UserId};
use valetkey_core::store::{Approval, ApprovalState, Asking, Decision, Poll, PollRequest};
use valetkey_core::time::Seconds;

fn id(n: u8) -> Id {
    Id([n; 16])
}

fn by_code(n: u8) -> Approval {
    Approval {
        id: id(n),
        client: "tv".into(),
        user: None,
        user_code: Some([n; 32]),
        request: "sealed".to_owned(),
        state: ApprovalState::Waiting,
        pace: Seconds(5),
        created_at: NOW,
        expires_at: later(600),
    }
}

fn of_user(n: u8, user: &str) -> Approval {
    Approval { user: Some(user.into()), user_code: None, ..by_code(n) }
}

fn by(who: &str, seconds: i64) -> Record {
    Record { at: later(seconds), user: Some(UserId::from(who)), ..any() }
}

async fn poll(store: &Handle, n: u8, client: &str, seconds: i64) -> Poll {
    let (client, now_ms) = (ClientId::from(client), later(seconds).0 * 1000);
    let request = PollRequest { id: id(n), client: &client, now_ms, step: Seconds(5), longest: Seconds(12) };
    store.poll_approval(&request).await.unwrap()
}

async fn decide(store: &Handle, id: Id, decided: &ApprovalState, record: &Record) -> bool {
    store.decide_approval(&Decision { id, decided, ping: false }, record).await.unwrap()
}

fn allowed() -> ApprovalState {
    ApprovalState::Allowed("agreed".to_owned())
}

pub async fn an_approval_reads_back_by_id_and_by_code_and_its_code_is_taken_once(store: Handle) {
    let own = by_code(1);
    assert_eq!(store.ask_approval(&own, 5).await.unwrap(), Asking::Asked);
    assert_eq!(store.approval(own.id).await.unwrap(), Some(own.clone()));
    assert_eq!(store.approval_by_code(&[1; 32]).await.unwrap(), Some(own.clone()));
    assert_eq!(store.approval_by_code(&[2; 32]).await.unwrap(), None);
    let taken = Approval { id: id(2), ..own };
    assert_eq!(store.ask_approval(&taken, 5).await.unwrap(), Asking::CodeTaken);
    assert_eq!(store.approval(id(2)).await.unwrap(), None);
}

pub async fn an_approval_is_decided_once_in_time_and_by_whom_it_is_for(store: Handle) {
    let alice = user("alice");
    let alice = alice.id.as_str();
    for n in 1..=3 {
        store.ask_approval(&by_code(n), 5).await.unwrap();
    }
    store.ask_approval(&of_user(4, alice), 5).await.unwrap();
    assert!(!decide(&store, id(1), &ApprovalState::Waiting, &by(alice, 1)).await);
    assert!(decide(&store, id(1), &allowed(), &by(alice, 1)).await);
    assert!(!decide(&store, id(1), &ApprovalState::Denied, &by(alice, 2)).await, "twice");
    assert!(decide(&store, id(2), &ApprovalState::Denied, &by(alice, 1)).await);
    assert!(!decide(&store, id(2), &allowed(), &by(alice, 2)).await, "a no stays a no");
    assert!(!decide(&store, id(3), &allowed(), &by(alice, 600)).await, "late");
    assert!(!decide(&store, id(4), &allowed(), &by("usr_other", 1)).await, "somebody else");
    assert!(decide(&store, id(4), &allowed(), &by(alice, 1)).await);
    assert!(!decide(&store, id(9), &allowed(), &by(alice, 1)).await, "there is none");
    let states = [(1, allowed()), (2, ApprovalState::Denied), (3, ApprovalState::Waiting), (4, allowed())];
    for (n, state) in states {
        assert_eq!(store.approval(id(n)).await.unwrap().unwrap().state, state, "{n}");
    }
}

pub async fn a_poll_is_answered_for_its_client_and_slowed_when_it_comes_too_soon(store: Handle) {
    store.ask_approval(&by_code(1), 5).await.unwrap();
    assert_eq!(poll(&store, 1, "other", 0).await, Poll::Unknown);
    assert_eq!(poll(&store, 9, "tv", 0).await, Poll::Unknown);
    assert_eq!(poll(&store, 1, "tv", 0).await, Poll::Waiting, "the first may come at once");
    assert_eq!(poll(&store, 1, "tv", 5).await, Poll::Waiting, "at its pace");
    assert_eq!(poll(&store, 1, "tv", 7).await, Poll::TooFast(Seconds(10)));
    assert_eq!(poll(&store, 1, "tv", 16).await, Poll::TooFast(Seconds(12)), "no longer than the longest");
    assert_eq!(poll(&store, 1, "tv", 28).await, Poll::Waiting);
    assert_eq!(store.approval(id(1)).await.unwrap().unwrap().pace, Seconds(12), "it stays");
    decide(&store, id(1), &allowed(), &by("usr_a", 29)).await;
    assert_eq!(poll(&store, 1, "tv", 29).await, Poll::Allowed("agreed".to_owned()), "however soon");
    assert_eq!(poll(&store, 1, "other", 29).await, Poll::Unknown);
    assert_eq!(poll(&store, 1, "tv", 600).await, Poll::Expired);
    store.ask_approval(&by_code(2), 5).await.unwrap();
    decide(&store, id(2), &ApprovalState::Denied, &by("usr_a", 1)).await;
    assert_eq!(poll(&store, 2, "tv", 1).await, Poll::Denied);
}

pub async fn of_many_polls_at_once_one_is_in_time(store: Handle) {
    for n in 0..u8::try_from(ROUNDS).unwrap() {
        store.ask_approval(&by_code(n), 5).await.unwrap();
        let polls = race(CALLERS, |_| {
            let store = store.clone();
            async move { poll(&store, n, "tv", 0).await }
        });
        let in_time = polls.await.into_iter().filter(|poll| *poll == Poll::Waiting).count();
        assert_eq!(in_time, 1, "round {n}");
    }
}

pub async fn no_more_than_the_most_of_one_client_wait_for_one_person(store: Handle) {
    for n in 1..=3 {
        assert_eq!(store.ask_approval(&of_user(n, "usr_a"), 3).await.unwrap(), Asking::Asked);
    }
    assert_eq!(store.ask_approval(&of_user(4, "usr_a"), 3).await.unwrap(), Asking::Full);
    assert_eq!(store.ask_approval(&of_user(5, "usr_b"), 3).await.unwrap(), Asking::Asked);
    // Another client is not silenced by this one.
    let other = Approval { client: "other".into(), ..of_user(7, "usr_a") };
    assert_eq!(store.ask_approval(&other, 3).await.unwrap(), Asking::Asked);
    decide(&store, id(7), &ApprovalState::Denied, &by("usr_a", 0)).await;
    let own = async |seconds: i64| store.approvals_of(&"usr_a".into(), later(seconds)).await;
    let ids: Vec<Id> = own(0).await.unwrap().into_iter().map(|own| own.id).collect();
    assert_eq!(ids, [id(3), id(2), id(1)]);
    decide(&store, id(2), &ApprovalState::Denied, &by("usr_a", 1)).await;
    assert_eq!(own(1).await.unwrap().len(), 2);
    assert_eq!(store.ask_approval(&of_user(6, "usr_a"), 3).await.unwrap(), Asking::Asked);
    assert_eq!(own(600).await.unwrap(), []);
}

pub async fn an_approval_is_swept_some_time_after_its_end(store: Handle) {
    store.ask_approval(&by_code(1), 5).await.unwrap();
    store.sweep(later(600), 10).await.unwrap();
    assert!(store.approval(id(1)).await.unwrap().is_some(), "its client is told that it expired");
    store.sweep(later(600 + 3601), 10).await.unwrap();
    assert_eq!(store.approval(id(1)).await.unwrap(), None);
}

pub async fn a_client_to_be_told_is_taken_by_one_and_again_until_it_was_told(store: Handle) {
    let pings = async |at: i64| {
        let taken = store.claim_pings(later(at), later(at + 30), 10).await.unwrap();
        taken.into_iter().map(|(own, times)| (own.id, times)).collect::<Vec<_>>()
    };
    for n in 1..=3 {
        store.ask_approval(&of_user(n, "usr_a"), 5).await.unwrap();
    }
    assert_eq!(pings(0).await, [], "nothing is decided");
    for (n, ping) in [(1, true), (2, false)] {
        let decision = Decision { id: id(n), decided: &ApprovalState::Denied, ping };
        assert!(store.decide_approval(&decision, &by("usr_a", 1)).await.unwrap());
    }
    assert_eq!(pings(0).await, [], "not yet");
    assert_eq!(pings(1).await, [(id(1), 1)]);
    assert_eq!(pings(30).await, [], "somebody is at it");
    assert_eq!(pings(31).await, [(id(1), 2)], "and did not come back");
    store.settle_ping(id(1), Some(later(50))).await.unwrap();
    assert_eq!(pings(49).await, []);
    assert_eq!(pings(50).await, [(id(1), 3)]);
    store.settle_ping(id(1), None).await.unwrap();
    assert_eq!(pings(500).await, []);
}

pub async fn of_all_who_take_a_client_to_be_told_one_gets_it(store: Handle) {
    for n in 0..u8::try_from(ROUNDS).unwrap() {
        store.ask_approval(&by_code(n), 5).await.unwrap();
        let decision = Decision { id: id(n), decided: &ApprovalState::Denied, ping: true };
        store.decide_approval(&decision, &by("usr_a", 1)).await.unwrap();
        let taken = race(CALLERS, |_| {
            let store = store.clone();
            async move { store.claim_pings(later(1), later(600), 10).await.unwrap().len() }
        });
        assert_eq!(taken.await.into_iter().sum::<usize>(), 1, "round {n}");
    }
}
