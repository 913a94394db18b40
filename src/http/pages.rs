//! The few answers that are not the API's: the front page, and refusals from before the API is reached.

use actix_web::http::header::{ALLOW, HeaderName, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

use crate::dialect::intake::Garbled;

const HTML: &str = "text/html;charset=utf-8";

/// No browser shall take an answer for something else than it says it is.
pub(super) const AS_IT_SAYS: (HeaderName, &str) = (X_CONTENT_TYPE_OPTIONS, "nosniff");

/// What this is, for a person who opens the address in a browser and for scripts that wait until it answers.
pub(super) async fn front() -> HttpResponse {
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>csgpu</title></head><body><h1>csgpu {version}</h1>\
         <p>A private cloud of GPUs. It speaks the Apache CloudStack API at <a href=\"/client/api\">/client/api</a>: \
         point cloudmonkey, the Terraform provider or a CloudStack SDK there.</p></body></html>"
    );
    HttpResponse::Ok().content_type(HTML).insert_header(AS_IT_SAYS).body(text)
}

/// There is nothing at this address.
pub(super) async fn nothing() -> HttpResponse {
    page(StatusCode::NOT_FOUND, "There is nothing here; the API is at /client/api")
}

/// The parameters cannot be decoded.
pub(super) fn garbled(why: Garbled) -> HttpResponse {
    page(StatusCode::BAD_REQUEST, &why.to_string())
}

/// Methods other than GET, HEAD and POST.
pub(super) async fn other_method(request: HttpRequest) -> HttpResponse {
    match *request.method() {
        Method::OPTIONS => {
            let mut response = HttpResponse::Ok();
            response.insert_header((ALLOW, "GET, HEAD, POST, OPTIONS"));
            response.insert_header(AS_IT_SAYS).finish()
        }
        Method::PUT | Method::DELETE | Method::TRACE => {
            HttpResponse::MethodNotAllowed().insert_header(AS_IT_SAYS).finish()
        }
        _ => HttpResponse::NotImplemented().insert_header(AS_IT_SAYS).finish(),
    }
}

fn page(status: StatusCode, sentence: &str) -> HttpResponse {
    let text = format!(
        "<!DOCTYPE html><html lang=\"en\"><body><h1>{status}</h1><p>{sentence}</p></body></html>"
    );
    HttpResponse::build(status).content_type(HTML).insert_header(AS_IT_SAYS).body(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[actix_web::test]
    async fn other_methods_are_refused_as_on_the_real_server() {
        for (method, status) in
            [("PUT", 405), ("DELETE", 405), ("PATCH", 501), ("OPTIONS", 200), ("TRACE", 405)]
        {
            let request = TestRequest::default().method(method.parse().unwrap()).to_http_request();
            assert_eq!(other_method(request).await.status().as_u16(), status, "{method}");
        }
    }

    #[actix_web::test]
    async fn garbled_requests_get_a_page() {
        assert_eq!(garbled(Garbled::Query).status(), 400);
        assert_eq!(nothing().await.status(), 404);
        assert_eq!(front().await.status(), 200);
    }
}
