//! Records of calls, use, the audit log.

use super::{Answer, Asker, MOST_IN_FILE, Page};
use crate::console::reply::Trouble;
use crate::console::{Desk, csv};
use crate::control::ControlRequest;
use axum::Router;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use axum::routing::get;
use conclave_types::UnixTime;
use serde::Deserialize;

pub(super) fn routes() -> Router<Desk> {
    Router::new()
        .route("/records", get(records))
        .route("/records.csv", get(records_csv))
        .route("/usage", get(usage))
        .route("/usage.csv", get(usage_csv))
        .route("/audit", get(audit))
}

async fn records(asker: Asker, page: Result<Query<Page>, QueryRejection>) -> Answer {
    let Query(page) = page?;
    asker.ask(ControlRequest::RecordList { most: page.most() }).await
}

/// Records, as a spreadsheet reads them.
async fn records_csv(
    asker: Asker,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Query(page) = page?;
    let most = page.most.unwrap_or(MOST_IN_FILE).clamp(1, MOST_IN_FILE);
    csv::records(asker.ask(ControlRequest::RecordList { most }).await?.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageOf {
    from: UnixTime,
    until: UnixTime,
    #[serde(default)]
    ahead_s: i32,
}

type WantedUsage = Result<Query<UsageOf>, QueryRejection>;

async fn usage(asker: Asker, wanted: WantedUsage) -> Answer {
    let Query(UsageOf { from, until, ahead_s }) = wanted?;
    asker.ask(ControlRequest::Usage { from, until, ahead_s }).await
}

async fn usage_csv(asker: Asker, wanted: WantedUsage) -> Result<Response, Trouble> {
    csv::usage(usage(asker, wanted).await?.0)
}

async fn audit(asker: Asker, page: Result<Query<Page>, QueryRejection>) -> Answer {
    let Query(page) = page?;
    let (below, most) = (page.below, page.most());
    asker.ask(ControlRequest::AuditList { installation: false, below, most }).await
}
