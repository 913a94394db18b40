//! `listApis`: the commands that the caller may use, with parameters and answers.

use crate::command::{Response, ResponseSpec, Shape, prelude::*};
use serde_json::{Value, json};

/// `listApis`.
#[derive(Debug)]
pub(super) struct ListApis;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the name of one command
    name: Option<String>,
}

/// The records, as they are.
#[derive(Debug)]
pub(super) struct Apis(Vec<Value>);

impl Response for Apis {
    fn spec() -> ResponseSpec {
        ResponseSpec { shape: Shape::List, object: Some("api"), fields: Vec::new() }
    }
    fn render(self, _: bool) -> Result<String> {
        Ok(json!({"count": self.0.len(), "api": self.0}).to_string())
    }
}

impl Command for ListApis {
    const SPEC: Spec = Spec {
        name: "listApis",
        about: "Lists the commands that the caller may use",
        since: "4.1.0",
        roles: Role::EVERYONE,
        event: None,
    };
    type Request = Request;
    type Response = Apis;

    async fn run(cx: &Cx, request: Request) -> Result<Apis> {
        let Request { name } = request;
        let records = cx.registry.describe(Some(&cx.caller), name.as_deref());
        if records.is_empty() {
            return Err(Error::Conflict(
                "Api Discovery plugin was unable to find an api by that name or process any apis"
                    .into(),
            ));
        }
        Ok(Apis(records))
    }
}
