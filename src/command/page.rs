//! Paging and the words every list takes.

use super::{ParamSpec, Params, Reader, Wire};
use crate::{
    domain::{Id, Kind, id},
    error::{Error, Result},
    store::{Window, owner::Projects},
};
use csgpu_derive::Params;

/// The most rows of a page, and the size of one when nothing is said (`default.page.size`).
pub const MAX_PAGE: i64 = 500;

#[derive(Params)]
struct Raw {
    /// List by keyword
    keyword: Option<String>,
    /// the number of the page, from 1
    page: Option<i32>,
    /// the number of entries per page
    page_size: Option<i32>,
}

/// `keyword`, `page`, `pagesize`, read by CloudStack's rules.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// A part of a name, any case.
    pub keyword: Option<String>,
    /// The first row, from 0.
    pub offset: i64,
    /// The most rows; `None`: no limit.
    pub limit: Option<i64>,
}

impl Page {
    /// For the store's queries.
    pub fn window(&self) -> Window {
        Window { keyword: self.keyword.clone(), offset: self.offset, limit: self.limit }
    }
}

impl Params for Page {
    fn specs() -> Vec<super::ParamSpec> {
        Raw::specs()
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let Raw { keyword, page, page_size } = Raw::read(reader)?;
        let keyword = keyword.filter(|word| !word.is_empty());
        let both = |other: &str, given: &str| {
            Error::Parameter(format!(
                "\"{other}\" parameter is required when \"{given}\" is specified"
            ))
        };
        let (offset, limit) = match (page, page_size) {
            (None, None) => (0, Some(MAX_PAGE)),
            (Some(_), None) => return Err(both("pagesize", "page")),
            (Some(_), Some(-1)) => {
                return Err(Error::invalid(
                    "Can't specify page parameter when pagesize is -1 (Unlimited)",
                ));
            }
            (None, Some(-1)) => (0, None),
            (None, Some(_)) => return Err(both("page", "pagesize")),
            (Some(_), Some(size)) if size < -1 => {
                return Err(Error::invalid(
                    "Page size can't be negative, unless it is -1 (Unlimited)",
                ));
            }
            (Some(_), Some(size)) if i64::from(size) > MAX_PAGE => {
                let text =
                    format!("Page size can't exceed max allowed page size value: {MAX_PAGE}");
                return Err(Error::Invalid(text));
            }
            (Some(page), Some(size)) => {
                (i64::from(page.max(1) - 1) * i64::from(size), Some(i64::from(size)))
            }
        };
        Ok(Self { keyword, offset, limit })
    }
}

#[derive(Params)]
struct RawListing {
    /// list resources by account, must be used with the domainid parameter
    account: Option<String>,
    /// list only resources belonging to the domain specified
    domain_id: Option<crate::domain::Id<crate::domain::id::Domain>>,
    /// whether to list the resources of all child domains of the domain too
    is_recursive: Option<bool>,
    /// whether to list everything the caller may see
    list_all: Option<bool>,
    /// list only what belongs to this project; -1 for all projects
    project_id: Option<Projects>,
    #[param(group)]
    page: Page,
}

/// The words of lists of things that have owners.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Only this account's, by name in `domain`.
    pub account: Option<String>,
    /// Only this domain's.
    pub domain: Option<crate::domain::Id<crate::domain::id::Domain>>,
    /// And of the domains below it.
    pub is_recursive: bool,
    /// Everything in the caller's reach.
    pub list_all: bool,
    /// Only what belongs to projects.
    pub project: Option<Projects>,
    /// The page.
    pub page: Page,
}

impl Listing {
    /// Its words about owners, for the store.
    pub fn wanted(&self) -> crate::store::owner::Wanted {
        crate::store::owner::Wanted {
            account: self.account.clone(),
            domain: self.domain,
            is_recursive: self.is_recursive,
            list_all: self.list_all,
            project: self.project,
        }
    }
}

impl Wire for Projects {
    const KIND: &'static str = "uuid";
    const ENTITY: Option<Kind> = Some(Kind::Project);
    fn read(reader: &mut Reader<'_>, spec: &ParamSpec, text: &str) -> Result<Self> {
        match text {
            "-1" => Ok(Self::All),
            _ => <Id<id::Project> as Wire>::read(reader, spec, text).map(Self::One),
        }
    }
}

impl Params for Listing {
    fn specs() -> Vec<super::ParamSpec> {
        RawListing::specs()
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let RawListing { account, domain_id, is_recursive, list_all, project_id, page } =
            RawListing::read(reader)?;
        if account.is_some() && domain_id.is_none() {
            return Err(Error::invalid("Account must be specified with domainId parameter"));
        }
        Ok(Self {
            account,
            domain: domain_id,
            is_recursive: is_recursive.unwrap_or(false),
            list_all: list_all.unwrap_or(false),
            project: project_id,
            page,
        })
    }
}
