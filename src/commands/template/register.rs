//! `registerTemplate`: makes a template known at once; its file is fetched and looked at in the background. It answers in
//! the shape of a list.

use super::{
    view::{TemplateView, one},
    words::{AnyZone, without_password},
};
use crate::{
    command::{Settings, prelude::*, unmet::not_here},
    domain::{
        checksum::Checksum,
        infra::{Hypervisor, ImageFormat, TemplateState, by_word},
    },
    store::{image_store, os_type, owner, template, zone},
};

/// `registerTemplate`.
#[derive(Debug)]
pub(super) struct RegisterTemplate;

/// Its parameters.
#[derive(Debug, Params)]
pub(super) struct Request {
    /// the description of the template
    #[param(max = 4096)]
    display_text: Option<String>,
    /// the format of the file: QCOW2 or RAW
    format: String,
    /// what the template runs on
    hypervisor: String,
    /// whether the template is shown first
    is_featured: Option<bool>,
    /// whether everyone may use the template
    is_public: Option<bool>,
    /// the name of the template
    name: String,
    /// the ID of the OS type
    os_type_id: Option<Id<id::OsType>>,
    /// whether instances get a password, which they do not
    password_enabled: Option<bool>,
    /// whether the file may be given out
    is_extractable: Option<bool>,
    /// where the file is: http, https, or for root admins a file below the directory of images
    #[param(max = 2048)]
    url: String,
    /// the ID of the zone, or -1 for all
    zone_id: Option<AnyZone>,
    /// the ID of the domain of the account
    domain_id: Option<Id<id::Domain>>,
    /// the ID of the project that will own it
    project_id: Option<Id<id::Project>>,
    /// the account that will own the template
    account: Option<String>,
    /// what the file must hash to: {SHA-256}9f86.. and the like
    checksum: Option<String>,
    /// the details of the template
    #[param(map = "first")]
    details: BTreeMap<String, String>,
    /// the ID of the zone, or -1 for all
    zone_ids: Vec<AnyZone>,
    /// the CPU architecture; only x86_64 is supported
    arch: Option<String>,
    #[param(group)]
    _not_here: NotHere,
}

not_here! {
    /// What templates have elsewhere.
    NotHere {
        refused "deployasis" boolean "whether its OVF file says what an instance is, which templates do not have";
        refused "directdownload" boolean "whether hosts fetch it by themselves, which none does";
        refused "extensionid" uuid "an external orchestrator, of which there is none";
        refused "externaldetails" map "details of an external orchestrator, of which there is none";
        refused "forcks" boolean "whether Kubernetes clusters are made of it, of which there are none";
        refused "isrouting" boolean "whether routers are made of it, of which there are none";
        refused "templatetag" string "the tag of hosts that may run it: service offerings have hosttags";
        unused "templatetype" string "the kind of template";
        unused "bits" integer "32 or 64";
        unused "requireshvm" boolean "whether it needs a host with hardware virtualisation, which all are";
        unused "sshkeyenabled" boolean "whether it takes SSH keys, which all do";
        unused "isdynamicallyscalable" boolean "whether running instances may be scaled, which none may";
    }
}

impl Command for RegisterTemplate {
    const SPEC: Spec = Spec {
        name: "registerTemplate",
        about: "Registers a template by the address of its file",
        since: "4.0.0",
        roles: Role::EVERYONE,
        event: Some("TEMPLATE.CREATE"),
    };
    type Request = Request;
    type Response = List<TemplateView>;

    async fn run(cx: &Cx, request: Request) -> Result<Self::Response> {
        let settings = std::sync::Arc::clone(&cx.settings);
        let view = cx
            .write(move |tx, caller| {
                let new = plan(tx, caller, &settings, &request)?;
                template::insert(tx, &new, &request.details)?;
                Ok((Some((Kind::Template, new.id.uuid())), one(tx, new.id)?))
            })
            .await?;
        cx.nudge.images();
        Ok(List::whole(vec![view]))
    }
}

fn plan(
    tx: &mut Tx<'_>,
    caller: &Caller,
    settings: &Settings,
    request: &Request,
) -> Result<template::Template> {
    let wanted = (request.account.as_deref(), request.domain_id, request.project_id);
    let owner = owner::designate(tx, caller, wanted)?;
    let hypervisor = by_word(Hypervisor::ALL, &request.hypervisor).ok_or_else(|| {
        Error::Invalid(format!(
            "Hypervisor Type: {} is invalid. Supported Hypervisor types are KVM, Simulator",
            request.hypervisor
        ))
    })?;
    let format = format(&request.format, hypervisor)?;
    check_url(&request.url, caller, settings)?;
    let checksum = request.checksum.as_deref().filter(|text| !text.is_empty());
    checksum.map(str::parse::<Checksum>).transpose().map_err(Error::Invalid)?;
    match request.arch.as_deref() {
        None | Some("" | "x86_64" | "amd64") => {}
        Some(arch) => {
            return Err(Error::Invalid(format!("arch {arch} is not supported: x86_64 is")));
        }
    }
    if request.password_enabled == Some(true) {
        return Err(Error::invalid(
            "csgpu does not hand out passwords to instances: leave passwordenabled out and use key pairs",
        ));
    }
    let zone_id = only_zone(tx, request)?;
    let os_type_id = match request.os_type_id {
        Some(id) => id,
        None => os_type::by_name(tx, "Other Linux (64-bit)")?
            .ok_or_else(|| Error::internal("the cloud has no OS types"))?,
    };
    let store = image_store::for_zone(tx, zone_id)?;
    let name = request.name.trim();
    if name.is_empty() {
        return Err(Error::invalid("the template needs a name"));
    }
    Ok(template::Template {
        id: Id::mint(),
        account_id: owner.account,
        domain_id: owner.domain,
        zone_id,
        os_type_id,
        store_id: store.map(|store| store.id),
        name: name.to_owned(),
        display_text: request.display_text.clone().unwrap_or_else(|| name.to_owned()),
        kind: "USER".to_owned(),
        format,
        hypervisor,
        arch: "x86_64".to_owned(),
        url: Some(request.url.clone()),
        checksum: checksum.map(str::to_owned),
        size: 0,
        virtual_size: 0,
        is_public: request.is_public.unwrap_or(false),
        // what is shown first to everyone is for administrators to say
        is_featured: request.is_featured.unwrap_or(false) && caller.is_admin(),
        is_extractable: request.is_extractable.unwrap_or(false),
        state: TemplateState::Downloading,
        status: "0% Downloaded".to_owned(),
        percent: 0,
        file: None,
    })
}

fn format(text: &str, hypervisor: Hypervisor) -> Result<ImageFormat> {
    let found = by_word(ImageFormat::ALL, text);
    match (found, hypervisor) {
        (Some(ImageFormat::VHD), Hypervisor::KVM) | (None, _) => Err(Error::Invalid(format!(
            "The {text} format is not supported for {hypervisor}: QCOW2 and RAW are"
        ))),
        (Some(format), _) => Ok(format),
    }
}

/// The zone that the template serves; `None`: all.
fn only_zone(tx: &mut Tx<'_>, request: &Request) -> Result<Option<Id<id::Zone>>> {
    let mut zones: Vec<AnyZone> = request.zone_ids.clone();
    zones.extend(request.zone_id);
    zones.dedup();
    match zones.as_slice() {
        [] => Ok(None),
        zones if zones.contains(&AnyZone::All) => Ok(None),
        [AnyZone::One(zone)] => Ok(Some(zone::hold(tx, *zone)?.id)),
        _ => Err(Error::invalid("zoneids: give one zone, or -1 for all")),
    }
}

/// What can be said of a URL without fetching anything.
fn check_url(url: &str, caller: &Caller, settings: &Settings) -> Result<()> {
    let bad = |why: &str| {
        let told = without_password(url);
        Err(Error::Invalid(format!("Unable to register template from {told}: {why}")))
    };
    let Some((scheme, rest)) = url.split_once("://") else {
        return bad("write http://, https:// or file://");
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
            let plain = url.chars().all(|c| c.is_ascii_graphic());
            if place.is_empty() || !plain { bad("that is no address of a file") } else { Ok(()) }
        }
        "file" if !caller.is_admin() => bad("only root admins may name files of the service"),
        "file" => {
            let images = settings.images.canonicalize().unwrap_or_else(|_| settings.images.clone());
            let file = std::path::Path::new(rest).canonicalize();
            match file.ok().filter(|file| file.starts_with(&images) && file.is_file()) {
                Some(_) => Ok(()),
                None => bad("that is no file below the service's directory of images"),
            }
        }
        _ => bad("write http://, https:// or file://"),
    }
}
