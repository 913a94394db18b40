//! `#[derive(View)]`.

use crate::field::{doc, named, wire_name};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Field, LitStr, Result};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let object = object(input)?;
    let (mut metas, mut writes, mut hides) = (Vec::new(), Vec::new(), Vec::new());
    for field in named(input)? {
        let (ident, ty) = (&field.ident, &field.ty);
        let Options { wire, admin, group } = options(field)?;
        if group {
            metas.push(quote! { all.extend(<#ty as crate::command::FieldGroup>::fields()); });
            writes.push(quote! { crate::command::FieldGroup::write(&self.#ident, &mut map)?; });
            continue;
        }
        let about = doc(&field.attrs);
        metas.push(quote! {
            all.push(crate::command::FieldSpec {
                name: #wire, about: #about, admin: #admin,
                kind: <#ty as crate::command::Output>::KIND, nested: <#ty as crate::command::Output>::nested(),
            });
        });
        writes.push(quote! {
            if crate::command::Output::is_shown(&self.#ident) { map.serialize_entry(#wire, &self.#ident)?; }
        });
        if admin {
            hides.push(quote! { self.#ident = None; });
        } else {
            hides.push(quote! { crate::command::Output::restrict(&mut self.#ident); });
        }
    }
    Ok(quote! {
        impl crate::command::View for #name {
            const OBJECT: &'static str = #object;
            fn fields() -> ::std::vec::Vec<crate::command::FieldSpec> {
                let mut all = ::std::vec::Vec::new();
                #(#metas)*
                all
            }
        }
        impl crate::command::Output for #name {
            const KIND: &'static str = "object";
            fn nested() -> ::std::vec::Vec<crate::command::FieldSpec> { <Self as crate::command::View>::fields() }
            fn restrict(&mut self) { #(#hides)* }
        }
        impl ::serde::Serialize for #name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(None)?;
                #(#writes)*
                map.end()
            }
        }
    })
}

/// What `#[view(..)]` says of a field.
struct Options {
    wire: String,
    admin: bool,
    group: bool,
}

fn options(field: &Field) -> Result<Options> {
    let mut found = Options { wire: wire_name(field), admin: false, group: false };
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("view")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                found.wire = meta.value()?.parse::<LitStr>()?.value();
                Ok(())
            } else if meta.path.is_ident("admin") {
                found.admin = true;
                Ok(())
            } else if meta.path.is_ident("group") {
                found.group = true;
                Ok(())
            } else {
                Err(meta.error("unknown option of a field"))
            }
        })?;
    }
    Ok(found)
}

/// The `object` of `#[view(object = "..")]`.
fn object(input: &DeriveInput) -> Result<String> {
    let mut object = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("view")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("object") {
                object = Some(meta.value()?.parse::<LitStr>()?.value());
                Ok(())
            } else {
                Err(meta.error("unknown option of a view"))
            }
        })?;
    }
    object.ok_or_else(|| Error::new_spanned(input, "say #[view(object = \"..\")]"))
}
