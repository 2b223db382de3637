//! Samples of the developer portal.

use super::{CSRF, Cast, NOW, PLAIN, Sample, ago};
use crate::pages::view::account::Paging;
use crate::pages::view::developer::{
    AppForm, AppRow, Application, CallbackRow, Confirm, Confirmed, Developer, Done, FailureRow, Flaws, Fresh,
    KindChoice, Line, NewApplication, OfferedToMe, OpenOffer, OptIn, OwnerForm, OwnerRow, Sample as Link,
    Scope, SecretForm, SecretRow, Settings, Snippet, State,
};
use crate::pages::view::{App, Href, When};
use valetkey_core::time::Seconds;

const SECRET: &str = "QV3esJgDKzPivROeLLRy6bW7rFxaycsRznQnGJhzwks";
const DONE: [Done; 16] = [
    Done::Registered,
    Done::Changed,
    Done::SecretAdded,
    Done::SecretDeleted,
    Done::Logo,
    Done::LogoRemoved,
    Done::Offered,
    Done::Withdrawn,
    Done::OwnerRemoved,
    Done::Left,
    Done::Taken,
    Done::Declined,
    Done::Paused,
    Done::Resumed,
    Done::Deleted,
    Done::ReviewAsked,
];

fn app_states() -> Vec<Sample> {
    let app = |name: &str, change: &dyn Fn(&mut Application)| {
        let mut page = application(&PLAIN);
        change(&mut page);
        Sample::new(&format!("developer-app{name}"), &page)
    };
    let fresh = |registered: bool, secret: Option<&str>| {
        Some(Fresh { registered, secret: secret.map(str::to_owned), name: "first secret".to_owned() })
    };
    let mut samples = vec![
        app("", &|_| ()),
        app("-fresh", &|page| page.fresh = fresh(true, Some(SECRET))),
        app("-new-secret", &|page| page.fresh = fresh(false, Some(SECRET))),
        app("-public", &|page| {
            page.fresh = fresh(true, None);
            (page.by_secret, page.secrets) = (false, Vec::new());
        }),
        app("-bare", &|page| {
            (page.secrets, page.failures, page.callbacks) = (Vec::new(), Vec::new(), Vec::new());
            (page.sample, page.try_it, page.snippets, page.may) = (None, None, Vec::new(), Vec::new());
            (page.opt_ins, page.console, page.description) = (Vec::new(), false, String::new());
        }),
        app("-full", &|page| page.new_secret.full = true),
        app("-secret-refused", &|page| {
            page.new_secret.error =
                Some("There is a secret of this name: give the new one another.".to_owned());
        }),
        app("-problem", &|page| page.problem = Some("That secret is gone.".to_owned())),
        app("-pending", &|page| page.state = State::Pending),
        app("-rejected", &|page| {
            page.state = State::Rejected { reason: "The name is somebody else's trade mark.".to_owned() };
        }),
        app("-rejected-mute", &|page| page.state = State::Rejected { reason: String::new() }),
        app("-paused", &|page| page.state = State::Paused),
        app("-switched-off", &|page| page.state = State::SwitchedOff),
    ];
    samples
        .extend(DONE.map(|done| app(&format!("-done-{}", done.word()), &move |page| page.done = Some(done))));
    samples
}

pub(super) fn states() -> Vec<Sample> {
    let list = |name: &str, change: &dyn Fn(&mut Developer)| {
        let mut page = developer(&PLAIN);
        change(&mut page);
        Sample::new(&format!("developer{name}"), &page)
    };
    let set = |name: &str, change: &dyn Fn(&mut Settings)| {
        let mut page = settings(&PLAIN);
        change(&mut page);
        Sample::new(&format!("developer-edit{name}"), &page)
    };
    let paging = Paging { here: "21–40 of 57".to_owned(), back: local("?page=1"), on: local("?page=3") };
    let mut samples = vec![
        list("", &|_| ()),
        list("-empty", &|page| {
            (page.apps, page.offers, page.total) = (Vec::new(), Vec::new(), 0);
            page.form = Some(form(&PLAIN, Flaws::default()));
        }),
        list("-many", &|page| {
            page.apps = (1..=20).map(numbered).collect();
            (page.total, page.paging) = (57, paging.clone());
        }),
        list("-nothing-found", &|page| {
            (page.apps, page.query) = (Vec::new(), "painter".to_owned());
        }),
        list("-problem", &|page| page.problem = Some("That offer is gone.".to_owned())),
        list("-deleted", &|page| page.done = Some(Done::Deleted)),
        new("", AppForm { kinds: kinds(), ..AppForm::default() }, None),
        new("-flaws", form(&PLAIN, flaws(&PLAIN)), None),
        new("-review", AppForm { review: true, ..form(&PLAIN, Flaws::default()) }, None),
        new("-full", form(&PLAIN, Flaws::default()), Some(25)),
        set("", &|_| ()),
        set("-alone", &|page| {
            page.owners.truncate(1);
            page.offers.clear();
        }),
        set("-flaws", &|page| page.form.flaws = flaws(&PLAIN)),
        set("-review", &|page| page.form.review = true),
        set("-machine", &|page| page.form.machine = true),
        set("-logo", &|page| {
            page.app =
                PLAIN.app().with_logo(Href::local("/assets/logos/0123456789abcdef0123456789abcdef.png"));
        }),
        set("-logo-refused", &|page| page.logo_error = Some("A logo has at most 100 KiB.".to_owned())),
        set("-owner-refused", &|page| {
            page.owner_form =
                OwnerForm { username: "al ice".to_owned(), transfer: true, error: Some("No.".to_owned()) };
        }),
        set("-problem", &|page| page.problem = Some("You are its only owner.".to_owned())),
        set("-done", &|page| page.done = Some(Done::Offered)),
        set("-paused", &|page| page.state = State::Paused),
        set("-switched-off", &|page| page.state = State::SwitchedOff),
        Sample::new("developer-delete", &confirm(&PLAIN, false)),
        Sample::new("developer-delete-wrong", &confirm(&PLAIN, true)),
        Sample::new("developer-last-secret", &last_secret(&PLAIN)),
    ];
    samples.extend(app_states());
    samples
}

pub(super) fn fullest(cast: &Cast) -> Vec<Sample> {
    let app = Application {
        fresh: Some(Fresh { registered: true, secret: Some(SECRET.to_owned()), name: cast.name.to_owned() }),
        state: State::Rejected { reason: cast.maker.to_owned() },
        ..application(cast)
    };
    vec![
        Sample::new("developer", &developer(cast)),
        Sample::new("developer-new", &NewApplication { form: form(cast, flaws(cast)), ..blank(cast) }),
        Sample::new("developer-app", &app),
        Sample::new("developer-edit", &Settings { form: form(cast, flaws(cast)), ..settings(cast) }),
        Sample::new("developer-delete", &confirm(cast, true)),
        Sample::new("developer-last-secret", &last_secret(cast)),
    ]
}

fn local(rest: &str) -> Option<Href> {
    Href::local(&format!("/developer{rest}"))
}

fn home() -> Href {
    local("/apps/app_06gzwethnw18r7pv5vwsdvfbzm").unwrap_or_else(Href::root)
}

fn kinds() -> Vec<KindChoice> {
    let kind = |value, words, detail| KindChoice { value, words, detail, checked: value == "web" };
    vec![
        kind("web", "Web application", "Runs on a server of yours, which can keep a secret."),
        kind("machine", "Machine", "Acts for itself: nobody signs in, and there is no callback."),
    ]
}

fn form(cast: &Cast, flaws: Flaws) -> AppForm {
    AppForm {
        name: cast.app.to_owned(),
        website: "https://printer.example.com".to_owned(),
        description: cast.maker.to_owned(),
        redirect_uris: format!("https://printer.example.com/callback\n{}", cast.scope),
        kinds: kinds(),
        draft: Some("vk_df_c2VhbGVkLWRyYWZ0".to_owned()),
        flaws,
        ..AppForm::default()
    }
}

fn flaws(cast: &Cast) -> Flaws {
    let one = |words: &str| vec![words.to_owned()];
    Flaws {
        name: one("The name must have 1 to 200 characters on one line."),
        website: one("The website must be an http or https address."),
        description: one("The description must have at most 2000 characters."),
        redirect_uris: vec![format!("{}: use https.", cast.scope), "At most 50 redirect URIs.".to_owned()],
        other: one("This server takes no applications of this kind."),
    }
}

fn blank(cast: &Cast) -> NewApplication {
    NewApplication {
        csrf: CSRF.to_owned(),
        person: cast.person(),
        console: true,
        form: AppForm::default(),
        full: None,
    }
}

fn new(name: &str, form: AppForm, full: Option<u32>) -> Sample {
    Sample::new(&format!("developer-new{name}"), &NewApplication { form, full, ..blank(&PLAIN) })
}

fn row(app: App, state: State) -> AppRow {
    AppRow { href: home(), app, kind: "Web application", state, since: ago(Seconds::days(40)) }
}

fn numbered(n: u32) -> AppRow {
    row(App::new(&format!("App number {n}"), None), State::Active)
}

fn developer(cast: &Cast) -> Developer {
    Developer {
        csrf: CSRF.to_owned(),
        person: cast.person(),
        console: true,
        apps: vec![
            row(cast.app(), State::Active),
            row(App::new("Calendar", None), State::Pending),
            row(App::new("Scanner", None), State::Rejected { reason: String::new() }),
            row(App::new("Old one", None), State::Paused),
            row(App::new("Spam", None), State::SwitchedOff),
        ],
        total: 5,
        most: 25,
        query: String::new(),
        paging: Paging::default(),
        offers: vec![offered(cast, Some("bob"), false), offered(cast, None, true)],
        done: None,
        problem: None,
        form: None,
    }
}

fn offered(cast: &Cast, by: Option<&str>, transfer: bool) -> OfferedToMe {
    let until = When::new(NOW + Seconds::days(12), NOW);
    OfferedToMe { id: "offer-1".to_owned(), app: cast.app(), by: by.map(str::to_owned), transfer, until }
}

fn secret(name: &str, used: Option<Seconds>, ends: bool, expired: bool) -> SecretRow {
    SecretRow {
        id: format!("sec-{name}"),
        name: name.to_owned(),
        created: ago(Seconds::days(100)),
        last_used: used.map(ago),
        expires: ends.then(|| When::new(NOW + Seconds::days(365), NOW)),
        expired,
        fresh: used.is_none(),
    }
}

fn failure(cast: &Cast, code: &str, hint: bool, count: u32) -> FailureRow {
    FailureRow {
        endpoint: "authorize".to_owned(),
        code: code.to_owned(),
        detail: "The redirect_uri in the link is not one that this application registered.".to_owned(),
        hint: hint.then(|| format!("https://printer.example.com/{}", cast.scope)),
        advice: "Compare it letter by letter with the callbacks of this application.",
        count,
        last: ago(Seconds(300)),
    }
}

fn application(cast: &Cast) -> Application {
    let line = |text: &str, comment| Line { text: text.to_owned(), comment };
    let snippet = |language| Snippet {
        language,
        lines: vec![
            line("# a token", true),
            line("curl -u \"app:$CLIENT_SECRET\" \\", false),
            line(cast.scope, false),
        ],
    };
    let callback = |uri: &str, any_port, scheme| CallbackRow { uri: uri.to_owned(), any_port, scheme };
    Application {
        csrf: CSRF.to_owned(),
        person: cast.person(),
        console: true,
        home: home(),
        id: "app_06gzwethnw18r7pv5vwsdvfbzm".to_owned(),
        app: cast.app(),
        kind: "Web application",
        description: cast.maker.to_owned(),
        state: State::Active,
        done: None,
        problem: None,
        fresh: None,
        by_secret: true,
        secrets: vec![
            secret("production", Some(Seconds(120)), false, false),
            secret(cast.name, None, true, false),
            secret("old", Some(Seconds::days(90)), false, true),
        ],
        new_secret: SecretForm { draft: "vk_df_c2VhbGVk".to_owned(), ..SecretForm::default() },
        callbacks: vec![
            callback("https://printer.example.com/callback", false, false),
            callback("http://127.0.0.1/callback", true, false),
            callback("com.example.printer:/callback", false, true),
        ],
        issuer: "https://id.example.org".to_owned(),
        sample: Href::web("https://id.example.org/oauth/authorize?response_type=code").map(|href| Link {
            href,
            verifier: SECRET.to_owned(),
            redirect_uri: "https://printer.example.com/callback".to_owned(),
        }),
        try_it: Href::local("/console?client=app_06gzwethnw18r7pv5vwsdvfbzm"),
        snippets: ["curl", "Python", "JavaScript", "Rust"].map(snippet).into(),
        users: "1".to_owned(),
        grants: "10000+".to_owned(),
        failures: vec![failure(cast, "invalid_request", true, 12), failure(cast, "invalid_grant", false, 1)],
        may: vec![Scope { name: "photos.read".to_owned(), words: cast.scope.to_owned() }],
        grant_types: vec!["authorization_code", "refresh_token"],
        opt_ins: vec![OptIn { name: "oob", risk: "the code is shown on a page to be copied" }],
    }
}

fn settings(cast: &Cast) -> Settings {
    let owner = |username: &str, you| OwnerRow {
        user: format!("usr_{username}"),
        username: username.to_owned(),
        name: Some(cast.name.to_owned()),
        you,
        since: ago(Seconds::days(9)),
    };
    let offer = |transfer| OpenOffer {
        id: "offer-1".to_owned(),
        username: cast.name.to_owned(),
        transfer,
        until: When::new(NOW + Seconds::days(12), NOW),
    };
    Settings {
        csrf: CSRF.to_owned(),
        person: cast.person(),
        console: true,
        home: home(),
        id: "app_06gzwethnw18r7pv5vwsdvfbzm".to_owned(),
        app: cast.app(),
        kind: "Web application",
        state: State::Active,
        done: None,
        form: AppForm { kinds: Vec::new(), draft: None, ..form(cast, Flaws::default()) },
        logo_error: None,
        owners: vec![owner(cast.username, true), owner("bob", false)],
        offers: vec![offer(false), offer(true)],
        owner_form: OwnerForm::default(),
        problem: None,
    }
}

fn confirm(cast: &Cast, wrong: bool) -> Confirm {
    let typed = if wrong { cast.name.to_owned() } else { String::new() };
    Confirm {
        csrf: CSRF.to_owned(),
        person: cast.person(),
        console: true,
        home: home(),
        app: cast.app(),
        what: Confirmed::Delete { users: "12".to_owned(), grants: "1".to_owned(), typed, wrong },
    }
}

fn last_secret(cast: &Cast) -> Confirm {
    let what = Confirmed::LastSecret { secret: "sec-1".to_owned(), name: cast.name.to_owned() };
    Confirm { what, ..confirm(cast, false) }
}
