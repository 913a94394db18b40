//! `listGpuCapacity`: how many instances of 1, 2, 4 and 8 GPUs still fit, with and without one NUMA node.

use super::view::GpuCapacityView;
use crate::{
    command::prelude::*,
    domain::placement::Fleet,
    store::{Window, placement, zone},
};

/// `listGpuCapacity`.
#[derive(Debug)]
pub(super) struct ListGpuCapacity;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the ID of the zone
    zone_id: Option<Id<id::Zone>>,
    /// the ID of the GPU card
    gpu_card_id: Option<Id<id::GpuCard>>,
    /// the ID of the vGPU profile
    vgpu_profile_id: Option<Id<id::VgpuProfile>>,
    #[param(group)]
    page: Page,
}

impl Command for ListGpuCapacity {
    const SPEC: Spec = Spec {
        name: "listGpuCapacity",
        about: "Lists how many instances of each shape still fit, by zone and vGPU profile",
        since: "4.22.0",
        roles: Role::ADMIN,
        event: None,
    };
    type Request = Request;
    type Response = List<GpuCapacityView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let Request { zone_id, gpu_card_id, vgpu_profile_id, page } = request;
        let env = cx.env();
        let all = cx
            .db
            .read(move |conn| {
                let ids = zone_id.into_iter().collect();
                let (_, zones) = zone::list(
                    conn,
                    &zone::Filter { ids, ..zone::Filter::default() },
                    &Window::ALL,
                )?;
                let mut all = Vec::new();
                for zone in zones {
                    let fleet = env.fleet(zone.id);
                    fleet.look_at_all(conn)?;
                    let left = fleet.ask(Fleet::left);
                    all.extend(left.into_iter().map(|left| ((zone.id, zone.name.clone()), left)));
                }
                let ids: Vec<_> = all.iter().map(|(_, left)| left.profile).collect();
                let names = placement::profile_names(conn, &ids)?;
                Ok(all
                    .into_iter()
                    .filter_map(|(zone, left)| Some((names.get(&left.profile)?, zone, left)))
                    .filter(|(name, ..)| gpu_card_id.is_none_or(|card| card == name.card))
                    .filter(|(.., left)| vgpu_profile_id.is_none_or(|id| id == left.profile))
                    .map(|(name, zone, left)| GpuCapacityView::of(&zone, name, left))
                    .collect::<Vec<_>>())
            })
            .await?;
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let first = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let most = page.limit.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        Ok(List::page(count, all.into_iter().skip(first).take(most).collect()))
    }
}
