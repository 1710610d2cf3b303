//! The operator's pages: health, publishers, accounts, policy, takedowns; and metrics for machines.

mod accounts;
mod health;
mod metrics;
mod policy;
mod publishers;
pub(crate) mod takedowns;

crate::routes::routes! {
    get "/admin" health::show;
    get "/admin/publishers" publishers::show;
    post "/admin/publishers/{publisher}" publishers::decide;
    get "/admin/accounts" accounts::show;
    post "/admin/accounts/{id}/roles" accounts::set_roles;
    post "/admin/accounts/{id}/access" accounts::set_access;
    post "/admin/accounts/{id}/erase" accounts::erase;
    get "/admin/policy" policy::show;
    post "/admin/policy" policy::save;
    get "/admin/takedowns" takedowns::show;
    post "/admin/takedowns" takedowns::take;
    post "/admin/takedowns/{id}/lift" takedowns::lift;
    get "/metrics" metrics::show;
}

use domain::actor::Account;

use crate::messages::t;
use crate::pieces::Link;
use crate::portal::hidden;
use crate::problem::Problem;
use crate::visitor::Visitor;

/// The operator who asks. Anyone else learns nothing about what is here.
fn operator(visitor: &Visitor) -> Result<&Account, Problem> {
    visitor.account()?;
    visitor.actor.require_operator().map_err(|_| hidden())
}

fn tabs(current: &str) -> Vec<Link> {
    [
        ("/admin", t("admin.health")),
        ("/admin/publishers", t("admin.publishers")),
        ("/admin/accounts", t("admin.accounts")),
        ("/admin/policy", t("admin.policy")),
        ("/admin/takedowns", t("admin.takedowns")),
    ]
    .into_iter()
    .map(|(href, label)| Link {
        label: label.to_owned(),
        href: href.to_owned(),
        count: None,
        current: href == current,
    })
    .collect()
}
