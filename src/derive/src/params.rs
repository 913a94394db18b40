//! `#[derive(Params)]`.

use crate::field::{doc, named, outer, wire_name};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Field, LitInt, LitStr, Result};

#[derive(Default)]
struct Options {
    name: Option<String>,
    map: Option<String>,
    since: Option<String>,
    max: Option<usize>,
    required: bool,
    admin: bool,
    group: bool,
}

fn options(field: &Field) -> Result<Options> {
    let mut found = Options::default();
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("param")) {
        attribute.parse_nested_meta(|meta| {
            let word = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match word.as_str() {
                "name" => found.name = Some(meta.value()?.parse::<LitStr>()?.value()),
                "map" => found.map = Some(meta.value()?.parse::<LitStr>()?.value()),
                "since" => found.since = Some(meta.value()?.parse::<LitStr>()?.value()),
                "max" => found.max = Some(meta.value()?.parse::<LitInt>()?.base10_parse()?),
                "required" => found.required = true,
                "admin" => found.admin = true,
                "group" => found.group = true,
                _ => return Err(meta.error("unknown option of a parameter")),
            }
            Ok(())
        })?;
    }
    Ok(found)
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let (mut specs, mut reads) = (Vec::new(), Vec::new());
    for field in named(input)? {
        let (ident, ty) = (&field.ident, &field.ty);
        let options = options(field)?;
        if options.group {
            specs.push(quote! { out.extend(<#ty as crate::command::Params>::specs()); });
            reads.push(quote! { #ident: <#ty as crate::command::Params>::read(reader)? });
            continue;
        }
        let wire = options.name.clone().unwrap_or_else(|| wire_name(field));
        let optional = matches!(outer(ty).as_str(), "Option" | "Vec" | "BTreeMap");
        let required = options.required || !optional;
        let (about, admin) = (doc(&field.attrs), options.admin);
        let max = options.max.unwrap_or(255);
        let since = options.since.map_or(quote!(None), |text| quote!(Some(#text)));
        let map = options.map.map_or(quote!(None), |text| match text.as_str() {
            "first" => quote!(Some(crate::command::MapStyle::First)),
            "keyvalue" => quote!(Some(crate::command::MapStyle::KeyValue)),
            "records" => quote!(Some(crate::command::MapStyle::Records)),
            _ => quote!(Some(crate::command::MapStyle::Merge)),
        });
        let spec = quote! {
            crate::command::ParamSpec {
                name: #wire, about: #about, required: #required, max: #max, since: #since, admin: #admin, map: #map,
                kind: <#ty as crate::command::Param>::KIND, entity: <#ty as crate::command::Param>::ENTITY,
            }
        };
        specs.push(quote! { out.push(#spec); });
        reads.push(quote! { #ident: { const SPEC: crate::command::ParamSpec = #spec; reader.read::<#ty>(&SPEC)? } });
    }
    Ok(quote! {
        impl crate::command::Params for #name {
            fn specs() -> ::std::vec::Vec<crate::command::ParamSpec> {
                #[expect(unused_mut, reason = "a request may have no parameters")]
                let mut out = ::std::vec::Vec::new();
                #(#specs)*
                out
            }
            fn read(reader: &mut crate::command::Reader<'_>) -> crate::error::Result<Self> {
                let _ = &reader;
                Ok(Self { #(#reads),* })
            }
        }
    })
}
