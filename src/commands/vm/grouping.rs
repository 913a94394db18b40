//! The affinity groups of an instance, and what they mean for its next host.

use super::draft::Order;
use crate::{command::prelude::*, store::affinity_group};

/// Groups as a request names them: by ids or by names.
pub(super) type Asked<'a> = (&'a [Id<id::AffinityGroup>], &'a [String]);

/// The groups that a request names, each once; all are the owner's. No statement when none is named.
pub(super) fn asked(
    tx: &mut Tx<'_>,
    owner: Id<id::Account>,
    (ids, names): Asked<'_>,
) -> Result<Vec<Id<id::AffinityGroup>>> {
    let mut groups = match (ids, names) {
        ([], []) => return Ok(Vec::new()),
        (ids, []) => ids.to_vec(),
        ([], names) => {
            let known = affinity_group::named(tx, owner, names)?;
            let find = |name: &String| {
                let same = |(known, _): &(&String, _)| known.eq_ignore_ascii_case(name);
                let found = known.iter().find(same).map(|(_, id)| *id);
                let unknown = || Error::Invalid(format!("Unable to find group by name {name}"));
                found.ok_or_else(unknown)
            };
            names.iter().map(find).collect::<Result<_>>()?
        }
        _ => {
            return Err(Error::invalid(
                "affinitygroupids parameter is mutually exclusive with affinitygroupnames parameter",
            ));
        }
    };
    groups.sort_unstable();
    groups.dedup();
    affinity_group::check_owner(tx, &groups, owner)?;
    Ok(groups)
}

/// Holds the strict groups until the transaction ends and reads where the others are: nobody of them is placed
/// meanwhile. Before any host is locked.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    groups: &[Id<id::AffinityGroup>],
    vm: Id<id::Vm>,
    order: &mut Order,
) -> Result<()> {
    affinity_group::hold(tx, groups)?;
    order.demand.affinity = affinity_group::around(tx, groups, vm)?;
    Ok(())
}
