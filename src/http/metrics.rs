//! `/metrics`: what monitoring reads, on a listener of its own.

use actix_web::{HttpResponse, web};

use crate::command::Kernel;

/// Everything in Prometheus' text format.
pub(super) async fn all(kernel: web::Data<Kernel>) -> HttpResponse {
    let text = kernel.metrics().await;
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
}
