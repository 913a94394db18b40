//! Is this server alive, and can it serve now: for load balancers and process supervisors.

use actix_web::{HttpResponse, web};

use super::pages::AS_IT_SAYS;
use crate::command::Kernel;

const PLAIN: &str = "text/plain;charset=utf-8";

/// The process answers.
pub(super) async fn live() -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(PLAIN).insert_header(AS_IT_SAYS).body("live\n")
}

/// A request could be served: what each request begins with gets through, and something can be written.
pub(super) async fn ready(kernel: web::Data<Kernel>) -> HttpResponse {
    let (mut response, text) = match kernel.ready().await {
        Ok(()) => (HttpResponse::Ok(), "ready\n".to_string()),
        Err((part, why)) => {
            (HttpResponse::ServiceUnavailable(), format!("not ready: {part}: {why}\n"))
        }
    };
    response.content_type(PLAIN).insert_header(AS_IT_SAYS).body(text)
}
