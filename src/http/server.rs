//! The listener: which address leads where, the limits, and how it stops.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, guard, web};

use super::{api, health, metrics, pages};
use crate::command::Kernel;

/// A connection without a request for this long is closed.
const IDLE: Duration = Duration::from_secs(30);

/// How long requests under way may take once the server is asked to stop, in seconds.
const LAST_ORDERS: u64 = 10;

/// A server that listens and waits to be run.
#[must_use = "nothing is answered until it is run"]
pub struct Server {
    inner: actix_web::dev::Server,
    addresses: Vec<SocketAddr>,
}

/// Stops a server from elsewhere.
#[derive(Clone, Debug)]
pub struct Stop(ServerHandle);

impl Server {
    /// Listens at these addresses; port 0 takes a free one. Must be called inside a runtime.
    pub fn bind(addresses: &[SocketAddr], kernel: Kernel) -> io::Result<Self> {
        Self::bind_to(addresses, kernel, routes)
    }

    /// Listens for monitoring at these addresses: what is told there is not for everyone who may reach the API.
    pub fn bind_metrics(addresses: &[SocketAddr], kernel: Kernel) -> io::Result<Self> {
        Self::bind_to(addresses, kernel, monitoring)
    }

    fn bind_to(
        addresses: &[SocketAddr],
        kernel: Kernel,
        routes: fn(&mut web::ServiceConfig),
    ) -> io::Result<Self> {
        let kernel = web::Data::from(Arc::new(kernel));
        let mut server =
            HttpServer::new(move || App::new().app_data(kernel.clone()).configure(routes))
                .keep_alive(IDLE)
                .client_request_timeout(IDLE)
                .shutdown_timeout(LAST_ORDERS)
                .disable_signals();
        for address in addresses {
            server = server.listen(TcpListener::bind(address)?)?;
        }
        let addresses = server.addrs();
        Ok(Self { inner: server.run(), addresses })
    }

    /// The addresses it listens at, with the ports it got.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The handle that stops it.
    pub fn stop(&self) -> Stop {
        Stop(self.inner.handle())
    }

    /// Answers requests until it is stopped.
    pub async fn run(self) -> io::Result<()> {
        self.inner.await
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl Stop {
    /// Takes no new connections, lets the requests under way finish, and returns when they have.
    pub async fn gently(&self) {
        self.0.stop(true).await;
    }

    /// Drops everything at once: what a crash looks like from outside.
    pub async fn at_once(&self) {
        self.0.stop(false).await;
    }
}

/// Which address leads where.
fn routes(config: &mut web::ServiceConfig) {
    let spoken = || guard::Any(guard::Get()).or(guard::Head()).or(guard::Post());
    config
        .service(
            web::resource(["/client/api", "/client/api/{below:.*}"])
                .route(web::route().guard(spoken()).to(api::call))
                .default_service(web::to(pages::other_method)),
        )
        .service(
            web::resource(["/", "/client", "/client/"])
                .route(web::route().guard(spoken()).to(pages::front)),
        )
        .service(web::resource("/health/live").to(health::live))
        .service(web::resource("/health/ready").to(health::ready))
        .default_service(web::to(pages::nothing));
}

/// Where monitoring finds what.
fn monitoring(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/metrics").route(web::get().to(metrics::all)))
        .service(web::resource("/health/live").to(health::live))
        .service(web::resource("/health/ready").to(health::ready))
        .default_service(web::to(pages::nothing));
}
