//! Records of calls, use, the audit log.

use super::{Answer, Asker, MOST_IN_FILE, Page};
use crate::console::api::{file, of};
use crate::console::reply::Trouble;
use crate::console::{Desk, csv};
use crate::control::ControlRequest;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Response;
use conclave_types::UnixTime;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn routes() -> ApiRouter<Desk> {
    ApiRouter::new()
        .api_route("/records", get_with(records, of("The newest records of calls", "records")))
        .api_route(
            "/records.csv",
            get_with(records_csv, file("Records of calls as a file", "text/csv")),
        )
        .api_route(
            "/usage",
            get_with(usage, of("How much rooms and meeting rooms were used", "usage")),
        )
        .api_route("/usage.csv", get_with(usage_csv, file("Use as a file", "text/csv")))
        .api_route("/audit", get_with(audit, of("What was done, the newest first", "audit")))
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
    csv::records(asker.ask(ControlRequest::RecordList { most }).await?)
}

#[derive(Deserialize, JsonSchema)]
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
    csv::usage(usage(asker, wanted).await?)
}

async fn audit(asker: Asker, page: Result<Query<Page>, QueryRejection>) -> Answer {
    let Query(page) = page?;
    let (below, most) = (page.below, page.most());
    asker.ask(ControlRequest::AuditList { installation: false, below, most }).await
}
