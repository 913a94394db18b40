//! Tells the operator's webhook about alerts: when one is raised, and when it is over. A task of its own, so that a
//! webhook that hangs holds up nobody; several servers share the work. An alert that cannot be told is tried again later
//! and later, [`MOST`] times and no longer than a day, and may be told twice when a server dies in between.

use crate::{
    command::{Webhook, Wiring},
    error::Result,
    store::{
        Tx,
        alert_tell::{self, Untold},
    },
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::sleep};
use ureq::Agent;

/// How often is looked for news.
const ROUND: Duration = Duration::from_secs(2);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one alert is tried.
const MOST: i32 = 12;
/// The most alerts of one round.
const BATCH: i64 = 50;

/// Tells until it is aborted.
pub(super) fn start(wiring: Arc<Wiring>, webhook: Webhook) -> JoinHandle<()> {
    tokio::spawn(async move {
        // who is sent on by the webhook would be told what only the webhook shall know
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0);
        let agent = Agent::new_with_config(config.build());
        loop {
            if let Err(error) = round(&wiring, &webhook, &agent).await {
                tracing::warn!(%error, "cannot look for alerts to tell");
            }
            sleep(ROUND).await;
        }
    })
}

async fn round(wiring: &Wiring, webhook: &Webhook, agent: &Agent) -> Result<()> {
    for it in wiring.db.read(|conn| alert_tell::due(conn, BATCH)).await? {
        let (id, taken) = (it.alert.id, it.clone());
        if it.tries >= MOST {
            tracing::warn!(alert = %id, "the webhook never took it");
            wiring.db.txn("alert", move |tx| alert_tell::give_up(tx, id)).await?;
            continue;
        }
        let take = move |tx: &mut Tx<'_>| alert_tell::take(tx, &taken, pause(taken.tries));
        if !wiring.db.txn("alert", take).await? {
            continue;
        }
        let is_over = it.alert.resolved.is_some();
        match tell(webhook, agent, &it).await {
            Ok(()) => wiring.db.txn("alert", move |tx| alert_tell::told(tx, id, is_over)).await?,
            Err(why) => {
                tracing::warn!(alert = %id, why, "the webhook did not take it");
                return Ok(()); // the others would fare no better
            }
        }
    }
    Ok(())
}

/// Seconds until the next try: 15, 30, 60 .. at most two hours. Longer than one try takes.
fn pause(tries: i32) -> u32 {
    let doubled = 15_u32.checked_shl(u32::try_from(tries).unwrap_or_default());
    doubled.map_or(7200, |seconds| seconds.min(7200))
}

async fn tell(webhook: &Webhook, agent: &Agent, it: &Untold) -> Result<(), String> {
    let date = |time: crate::domain::Time| time.format("%Y-%m-%dT%H:%M:%S+0000").to_string();
    let alert = &it.alert;
    let body = json!({
        "id": alert.id,
        "type": alert.number,
        "name": alert.kind,
        "description": alert.description,
        "resourcetype": alert.resource_kind,
        "resourceid": alert.resource_id,
        "sent": date(alert.created),
        "state": if alert.resolved.is_some() { "resolved" } else { "raised" },
        "resolved": alert.resolved.map(date),
    });
    let (agent, url, body) = (agent.clone(), webhook.url().to_owned(), body.to_string());
    let sent = tokio::task::spawn_blocking(move || {
        let post = agent.post(&url).header("Content-Type", "application/json");
        let answer = post.send(body).map_err(|error| match error {
            ureq::Error::StatusCode(code) => format!("it answered {code}"),
            error => error.to_string().replace(&url, "it"),
        })?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("it answered {}", status.as_u16())),
        }
    });
    sent.await.unwrap_or_else(|error| Err(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_before_the_day_does() {
        assert_eq!([pause(0), pause(1), pause(2), pause(11), pause(40)], [15, 30, 60, 7200, 7200]);
        let all: u32 = (0..MOST).map(pause).sum();
        assert!((20_000..86_400).contains(&all), "{all}");
        assert!(Duration::from_secs(u64::from(pause(0))) > PATIENCE);
    }
}
