//! What a command is: one type with a `SPEC`, a request, a response and a body. Which commands exist is not known here;
//! the registry comes in as a value.
//!
//! A request's way: [`Kernel::dispatch`] checks the role, reads the parameters ([`Reader`]), looks every id up in one
//! query under the caller's scope, then runs the command or admits its job.

mod args;
mod context;
mod discover;
mod dispatch;
mod entry;
mod errand;
mod gate;
pub mod host_link;
mod immediate;
mod inner;
pub mod inventory;
pub mod meter;
mod metrics;
mod objects;
mod owner_fields;
pub mod page;
mod params;
pub mod proof;
mod readiness;
mod registry;
mod reply;
pub mod roles;
pub mod secret;
pub mod sessions;
mod settings;
mod spec;
mod throttle;
pub mod unmet;
mod view;
mod when;
mod wire;

/// What every command's file imports.
pub mod prelude {
    pub use super::{
        Admitted, AfterCrash, AsyncCommand, Changed, Command, Cx, Date, Entry, Env, Flat,
        ImmediateCommand, List, One, Params, Role, SimpleCommand, Spec, Success, View,
        page::{Listing, Page},
    };
    pub use crate::{
        domain::{Id, Kind, id, identity::Caller},
        error::{Error, Result},
        store::{Conn, Tx},
    };
    pub use csgpu_derive::{Params, View};
    pub use std::collections::BTreeMap;
}

pub use crate::domain::access::Origin;
pub use args::{Args, MapStyle};
pub use context::{Admitted, Cx, Env, Nudge, Wiring};
pub use dispatch::{Answer, Kernel, Keyed};
pub use entry::{AfterCrash, AsyncCommand, AsyncOps, Call, Command, Entry, asynchronous, sync};
pub use gate::Pass;
pub use immediate::{Changed, ImmediateCommand, SimpleCommand, immediate, simple};
pub use inner::Inner;
pub use objects::{Annotated, Detailed, DetailsOf, TagFilter, Tagged, pairs, valued};
pub use owner_fields::OwnerFields;
pub use params::{IdRef, Named, ParamSpec, Params, Reader, unknown_id};
pub use registry::Registry;
pub use reply::{Flat, List, One, Response, ResponseSpec, Shape, Success};
pub use settings::{Sessions, Settings, Webhook};
pub use throttle::{Left, Throttle};
/// The version of the dialect that this service speaks, as CloudStack reports its own.
pub const DIALECT_VERSION: &str = "4.22.0.0";

pub use spec::{Role, Spec};
pub use view::{Date, FieldGroup, FieldSpec, Output, View};
pub use when::When;
pub use wire::{Param, Wire};
