//! `/client/api`: reads a request off the wire and sends back what the dialect answers.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, COOKIE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;

use super::{pages, reply};
use crate::command::{Kernel, Origin};
use crate::dialect::envelope::{Format, Wrapper, failure};
use crate::dialect::intake::{BODY_LIMIT, Garbled, decode};
use crate::dialect::pipeline;
use crate::dialect::visit::{Visit, cookies};
use crate::error::Error;

/// How long a client may take to send its form.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers a GET, HEAD or POST.
///
/// The work is a task of its own: a client that hangs up loses the answer, but does not cut a command in half.
pub(super) async fn call(
    request: HttpRequest,
    payload: web::Payload,
    kernel: web::Data<Kernel>,
) -> HttpResponse {
    let form = match form(&request, payload).await {
        Ok(form) => form,
        Err(garbled) => return pages::garbled(garbled),
    };
    let params = match decode(request.query_string(), form.as_deref()) {
        Ok(params) => params,
        Err(garbled) => return pages::garbled(garbled),
    };
    let format = Format::of(&params);
    let visit = Visit {
        params,
        cookies: cookies(request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok())),
        is_post: request.method() == Method::POST,
        origin: origin(&request),
        now: Utc::now(),
    };
    let work = tokio::spawn(async move { pipeline::answer(&kernel, visit).await });
    let answer = work.await.unwrap_or_else(|broken| {
        tracing::error!(%broken, "a request ended in the middle");
        failure(format, Wrapper::NoCommand, &Error::Internal(broken.into()), false)
    });
    reply::send(&request, answer).await
}

/// Where a request comes from. Its headers are kept as they are: only the settings say whether, and which of them, count.
fn origin(request: &HttpRequest) -> Origin {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = request.headers().iter().filter(|(name, _)| *name != COOKIE);
    Origin {
        peer: request.peer_addr().map(|address| address.ip()),
        headers: headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
    }
}

/// The body of a form post. Other bodies are ignored, as the real server does.
async fn form(request: &HttpRequest, payload: web::Payload) -> Result<Option<web::Bytes>, Garbled> {
    if request.method() != Method::POST || !is_form(request) {
        return Ok(None);
    }
    let whole = tokio::time::timeout(PATIENCE, payload.to_bytes_limited(BODY_LIMIT)).await;
    match whole {
        Ok(Ok(Ok(body))) => Ok(Some(body)),
        _ => Err(Garbled::Form),
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::FromRequest;
    use actix_web::test::TestRequest;

    async fn form_of(request: TestRequest) -> Result<Option<web::Bytes>, Garbled> {
        let (request, mut payload) = request.to_http_parts();
        let payload = web::Payload::from_request(&request, &mut payload).await.unwrap();
        form(&request, payload).await
    }

    fn post(kind: &str, body: impl Into<web::Bytes>) -> TestRequest {
        TestRequest::post().insert_header((CONTENT_TYPE, kind)).set_payload(body)
    }

    #[actix_web::test]
    async fn only_posted_forms_are_read() {
        let form = form_of(post("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "a=1")).await;
        assert_eq!(form.unwrap().as_deref(), Some(&b"a=1"[..]));
        assert_eq!(form_of(post("application/json", "{}")).await, Ok(None));
        assert_eq!(form_of(TestRequest::post().set_payload("a=1")).await, Ok(None));
        let get = post("application/x-www-form-urlencoded", "a=1").method(Method::GET);
        assert_eq!(form_of(get).await, Ok(None));
    }

    #[actix_web::test]
    async fn a_form_beyond_the_limit_is_refused() {
        let kind = "application/x-www-form-urlencoded";
        assert_eq!(form_of(post(kind, "x".repeat(BODY_LIMIT + 1))).await, Err(Garbled::Form));
        assert!(form_of(post(kind, "x".repeat(BODY_LIMIT))).await.is_ok());
    }
}
