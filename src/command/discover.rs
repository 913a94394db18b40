//! A command's own description: what `listApis` answers and `api-spec/` holds.

use super::{Entry, FieldSpec, Kernel, Registry, Shape};
use crate::domain::{Kind, identity::Caller};
use serde_json::{Map, Value, json};

impl Registry {
    /// The `api` records that this caller may see; `None`: everything, as `api-spec/` holds it.
    pub fn describe(&self, caller: Option<&Caller>, name: Option<&str>) -> Vec<Value> {
        self.all()
            .filter(|entry| name.is_none_or(|name| name == entry.spec.name))
            .filter(|entry| caller.is_none_or(|caller| Kernel::may_use(caller, entry)))
            .map(|entry| self.record(entry, caller.is_none_or(Caller::is_admin)))
            .collect()
    }

    fn record(&self, entry: &Entry, is_admin: bool) -> Value {
        let response = (entry.response)();
        let mut record = Map::new();
        record.insert("name".into(), json!(entry.spec.name));
        record.insert("description".into(), json!(entry.spec.about));
        record.insert("since".into(), json!(entry.spec.since));
        record.insert("isasync".into(), json!(entry.is_async()));
        if let Some(object) = response.object {
            record.insert("related".into(), json!(self.related(object, entry.spec.name)));
        }
        let params = (entry.params)();
        let shown = params.iter().filter(|param| is_admin || !param.admin);
        record.insert("params".into(), shown.map(|param| self.param(param, entry)).collect());
        let mut fields: Vec<Value> = response
            .fields
            .iter()
            .filter(|field| is_admin || !field.admin)
            .map(|f| field(f, is_admin))
            .collect();
        if response.shape != Shape::Success {
            fields.push(json!({"name": "jobid", "description": "the UUID of the latest async job acting on this object", "type": "string"}));
            fields.push(json!({"name": "jobstatus", "description": "the current status of the latest async job acting on this object", "type": "integer"}));
        }
        record.insert("response".into(), Value::Array(fields));
        Value::Object(record)
    }

    fn param(&self, param: &super::ParamSpec, entry: &Entry) -> Value {
        let mut out = Map::new();
        out.insert("name".into(), json!(param.name));
        out.insert("description".into(), json!(param.about));
        out.insert("type".into(), json!(param.kind));
        out.insert("length".into(), json!(param.max));
        out.insert("required".into(), json!(param.required));
        if let Some(since) = param.since {
            out.insert("since".into(), json!(since));
        }
        if let Some(kind) = param.entity {
            out.insert("related".into(), json!(self.related(Kind::object(kind), entry.spec.name)));
        }
        Value::Object(out)
    }

    /// The commands that return this object, joined by commas.
    fn related(&self, object: &str, except: &str) -> String {
        let names: Vec<&str> = self
            .all()
            .filter(|entry| entry.spec.name != except && (entry.response)().object == Some(object))
            .map(|entry| entry.spec.name)
            .collect();
        names.join(",")
    }
}

fn field(field_spec: &FieldSpec, is_admin: bool) -> Value {
    let mut out =
        json!({"name": field_spec.name, "description": field_spec.about, "type": field_spec.kind});
    if !field_spec.nested.is_empty() {
        let nested = field_spec.nested.iter().filter(|inner| is_admin || !inner.admin);
        out["response"] = nested.map(|inner| field(inner, is_admin)).collect();
    }
    out
}
