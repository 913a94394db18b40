//! The two derives of the command layer: `Params` reads a request, `View` writes an answer.
//!
//! Both take the wire name from the field (`host_id` -> `hostid`, or `name = ".."`) and the description from its doc
//! comment, so that a field is written down once.

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod field;
mod params;
mod view;

/// Reads a request: parameters in order of declaration, CloudStack's complaints, metadata for `listApis`.
///
/// Field attributes `#[param(..)]`: `name = ".."`, `required` (for lists; any other type is required unless it is an
/// `Option`, a list or a map), `max = n` (characters, default 255), `since = ".."`, `admin` (ignored for others), `group`
/// (a nested request), `map = ".."` (`merge`, `first`, `keyvalue`).
#[proc_macro_derive(Params, attributes(param))]
pub fn params(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    params::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Writes an object of an answer: fields in order of declaration, absent ones left out.
///
/// `#[view(object = "gpudevice")]` on the struct; on fields `name = ".."` and `admin` (an `Option` that others never see).
#[proc_macro_derive(View, attributes(view))]
pub fn view(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    view::expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
