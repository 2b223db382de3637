//! What each page shows: plain structs that handlers fill and templates read. Words live in the templates.

pub mod account;
pub mod consent;
pub mod console;
pub mod dev;
pub mod developer;
pub mod device;
pub mod error;
pub mod home;
pub mod leave;
pub mod login;
pub mod new_password;
pub mod parts;
pub mod setup;
pub mod sign_up;
pub mod upstream;
pub mod words;

pub use account::{
    Account, AccountApps, AccountDelete, AccountDetails, AccountLog, AccountPassword, AccountProfile, AppKey,
    ClaimField, ClaimGroup, ClaimKind, ConfirmError, LogEntry, Notice, Paging, ProfileError, RequestRow,
    SessionRow,
};
pub use consent::{Access, Asked, Checked, Consent, Detail, Held, Lasts, Registered, Technical};
pub use console::Console;
pub use dev::{Callback, DevCallback};
pub use device::{Decided, Device, DeviceError, Elsewhere, Outcome};
pub use error::{ErrorKind, ErrorPage};
pub use home::Home;
pub use leave::{Came, Field, FormPost, OutOfBand, SignOut, SignedOut};
pub use login::{KnownAccount, Login, LoginError, LoginMode, Tenant, UpstreamButton};
pub use new_password::{NewPassword, PasswordError};
pub use parts::{App, Destination, Href, Link, Person, Site};
pub use setup::{Setup, SetupError, SetupForm};
pub use sign_up::{SignUp, SignUpTrouble, Unconfirmed};
pub use upstream::{AccountMethods, Linked, MethodsNotice, Offer, UpstreamTrouble, WhatWentWrong};
pub use words::When;
