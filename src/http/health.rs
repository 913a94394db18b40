//! Is this server alive, and can it serve now: for load balancers and process supervisors.

use actix_web::{HttpResponse, web};

use crate::command::Kernel;

/// The process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain;charset=utf-8").body("live\n")
}

/// A request could be served: what each request begins with gets through, and something can be written.
pub(super) async fn ready(kernel: web::Data<Kernel>) -> HttpResponse {
    let (mut response, text) = match kernel.ready().await {
        Ok(()) => (HttpResponse::Ok(), "ready\n".to_string()),
        Err((part, why)) => {
            (HttpResponse::ServiceUnavailable(), format!("not ready: {part}: {why}\n"))
        }
    };
    response.content_type("text/plain;charset=utf-8").body(text)
}
