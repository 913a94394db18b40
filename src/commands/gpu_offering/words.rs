//! The words of an offering's policies on the wire.

use crate::{
    domain::placement::{NumaPolicy, Packing},
    error::{Error, Result},
};

/// `required`, `preferred` or `none`, in any case.
pub(super) fn numa(word: &str) -> Result<NumaPolicy> {
    let all = [NumaPolicy::Required, NumaPolicy::Preferred, NumaPolicy::Ignored];
    let known = all.into_iter().find(|policy| of_numa(*policy).eq_ignore_ascii_case(word));
    known.ok_or_else(|| {
        Error::Invalid(format!("{word} is no NUMA policy: say required, preferred or none"))
    })
}

/// A NUMA policy as clients write it.
pub(super) const fn of_numa(policy: NumaPolicy) -> &'static str {
    match policy {
        NumaPolicy::Required => "required",
        NumaPolicy::Preferred => "preferred",
        NumaPolicy::Ignored => "none",
    }
}

/// `pack` or `spread`, in any case.
pub(super) fn packing(word: &str) -> Result<Packing> {
    let all = [Packing::Pack, Packing::Spread];
    let known = all.into_iter().find(|policy| of_packing(*policy).eq_ignore_ascii_case(word));
    known.ok_or_else(|| Error::Invalid(format!("{word} is no placement: say pack or spread")))
}

/// A placement as clients write it.
pub(super) const fn of_packing(policy: Packing) -> &'static str {
    match policy {
        Packing::Pack => "pack",
        Packing::Spread => "spread",
    }
}
