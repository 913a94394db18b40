//! The program: reads the command line and the configuration, opens the database, and runs what was asked for.

use clap::{Parser, Subcommand};
use csgpu::{
    command::{Registry, When},
    commands::ROOMS,
    config::Config,
    local_db::{Durability, LocalDb},
    service,
    store::{Db, migrate, usage::SumBy},
    telemetry,
};
use std::{error::Error, io::Write, path::PathBuf, process::ExitCode};
use tokio::runtime;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// GPUs as a first-class resource of a private cloud, behind CloudStack's API.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file [default: $CSGPU_CONFIG, or /etc/csgpu/csgpu.toml if it exists]
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the service
    Serve,
    /// Bring the database to this version's schema
    Migrate,
    /// Print the configuration in force, with its documentation
    Config,
    /// Print what the API consists of, as listApis answers it
    Spec,
    /// Print the public key by which this service logs in to its hosts
    SshKey,
    /// Print what was used between two days in UTC, both included, summed; or check who held which GPU
    Usage {
        /// The first day, or the moment at which the time begins
        #[arg(long, required_unless_present = "verify")]
        from: Option<String>,
        /// The last day, or the moment at which the time ends
        #[arg(long, required_unless_present = "verify")]
        to: Option<String>,
        /// Check that the history of every GPU is complete and unchanged, instead
        #[arg(long, conflicts_with_all = ["from", "to", "by", "format"])]
        verify: bool,
        /// What is summed together
        #[arg(long, value_enum, default_value_t = Whose::Account)]
        by: Whose,
        /// How it is printed
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Whose {
    Account,
    Profile,
    Host,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Format {
    Csv,
    Json,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // whoever reads this is the administrator whom an internal error sends callers to
            let inner = match error.downcast_ref() {
                Some(csgpu::error::Error::Internal(inner)) => &**inner,
                _ => &*error,
            };
            let mut text = inner.to_string();
            let mut cause = inner.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            eprintln!("csgpu: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Outcome {
    let config = Config::load(arguments.config.as_deref())?;
    match arguments.verb {
        Verb::Config => print(&config.render()),
        Verb::Spec => {
            let api = serde_json::Value::from(Registry::new(ROOMS).describe(None, None));
            print(&format!("{api:#}\n"))
        }
        Verb::SshKey => {
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            let key = runtime.block_on(service::public_key(&config))?;
            print(&format!("{}\n", key.trim_end()))
        }
        Verb::Usage { verify: true, .. } => {
            let (_private, url) = running_database(&config)?;
            let (text, is_good) = service::usage::verify(&Db::open(&url, 1))?;
            print(&text)?;
            if is_good { Ok(()) } else { Err("the history of GPUs is not what was written".into()) }
        }
        Verb::Usage { from, to, by, format, .. } => {
            let [from, to] = [from, to].map(Option::unwrap_or_default);
            usage(&config, (&from, &to), by, format)
        }
        Verb::Migrate => {
            telemetry::start(&config.log)?;
            let (_private, url) = database(&config)?;
            let steps = migrate::prepare(&url, true)?;
            let names: String = steps.iter().map(|step| format!("{step}\n")).collect();
            print(&format!("{} steps applied\n{names}", steps.len()))
        }
        Verb::Serve => {
            telemetry::start(&config.log)?;
            let (_private, url) = database(&config)?;
            migrate::prepare(&url, config.database.migrate || config.database.url.is_none())?;
            let db = Db::open(&url, config.database.pool);
            let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(service::run(&config, db))
        }
    }
}

/// Prints sums of usage.
fn usage(config: &Config, (from, to): (&str, &str), by: Whose, format: Format) -> Outcome {
    let moment = |text: &str| When::parse(text).ok_or(format!("{text} is no day"));
    let time = (moment(from)?.start(), moment(to)?.end());
    let by = match by {
        Whose::Account => SumBy::Account,
        Whose::Profile => SumBy::Profile,
        Whose::Host => SumBy::Host,
    };
    let (_private, url) = running_database(config)?;
    print(&service::usage::report(&Db::open(&url, 1), time, by, format == Format::Json)?)
}

/// [`database`]; the private one may be in use by the service meanwhile.
fn running_database(config: &Config) -> Outcome<(Option<LocalDb>, String)> {
    let running = LocalDb::url_of_running(&config.data.join("database"), "csgpu");
    match running.filter(|_| config.database.url.is_none()) {
        Some(url) => Ok((None, url)),
        None => database(config),
    }
}

/// The database's URL, and the private database itself if there is one.
fn database(config: &Config) -> Outcome<(Option<LocalDb>, String)> {
    if let Some(url) = &config.database.url {
        return Ok((None, url.reveal().to_owned()));
    }
    let private = LocalDb::start(&config.data.join("database"), Durability::Full)?;
    let url = private.url("csgpu");
    Ok((Some(private), url))
}

fn print(text: &str) -> Outcome {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
