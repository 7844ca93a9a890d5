//! The management and spend API on a scripted host: what admins, users and teams' admins get, and what ledgers hold.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[expect(dead_code, reason = "shared with the tests of the spine, which script upstreams too")]
#[path = "gateway/host.rs"]
mod host;

#[path = "admin/guides.rs"]
mod guides;
#[path = "admin/key.rs"]
mod key;
#[path = "admin/office.rs"]
mod office;
#[path = "admin/roles.rs"]
mod roles;
#[path = "admin/spend.rs"]
mod spend;
#[path = "admin/team.rs"]
mod team;
#[path = "admin/user.rs"]
mod user;
#[path = "admin/whole.rs"]
mod whole;
