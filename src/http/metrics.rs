//! `/metrics`: what monitoring reads, on a listener of its own.

use actix_web::{HttpResponse, web};

use super::pages::AS_IT_SAYS;
use crate::command::Kernel;

/// Everything in Prometheus' text format.
pub(super) async fn all(kernel: web::Data<Kernel>) -> HttpResponse {
    let text = kernel.metrics().await;
    let mut response = HttpResponse::Ok();
    response.content_type("text/plain; version=0.0.4; charset=utf-8");
    response.insert_header(AS_IT_SAYS).body(text)
}
