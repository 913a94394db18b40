//! How figures are shown: a table for people, one JSON object a line for programs.

/// What a running CloudStack 4.22 with its simulator took on two cores.
pub const CLOUDSTACK: &str = "cloudstack 4.22";
/// What we want to reach.
pub const AIM: &str = "aim";

/// One figure beside its reference.
#[derive(Debug, Clone)]
pub struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    reference: Option<(&'static str, f64)>,
    policy: Option<&'static str>,
}

impl Figure {
    /// A figure without a reference.
    pub fn new(name: &'static str, value: f64, unit: &'static str) -> Self {
        Self { name, value, unit, reference: None, policy: None }
    }

    /// The same for one policy of several.
    pub fn by(mut self, policy: &'static str) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The same beside this.
    pub fn beside(mut self, reference: &'static str, value: f64) -> Self {
        self.reference = Some((reference, value));
        self
    }
}

/// Prints them.
pub fn print(figures: &[Figure], json: bool) {
    if json {
        for Figure { name, value, unit, reference, policy } in figures {
            let (other, other_value) = reference.unzip();
            let ratio = other_value.map(|other| round(value / other)).filter(|r| r.is_finite());
            let mut line = serde_json::json!({
                "name": name, "value": round(*value), "unit": unit,
                "reference": other, "reference_value": other_value.map(round), "ratio": ratio,
            });
            if let Some(policy) = policy {
                line["policy"] = (*policy).into();
            }
            println!("{line}");
        }
        return;
    }
    println!("{:<34} {:>12} {:<10} {:>12} {:<16} {:>8}", "", "value", "", "reference", "", "ratio");
    for Figure { name, value, unit, reference, policy } in figures {
        let name = match policy {
            Some(policy) => format!("{name} ({policy})"),
            None => (*name).to_owned(),
        };
        print!("{name:<34} {:>12} {unit:<10}", round(*value));
        if let Some((other, other_value)) = reference {
            print!(" {:>12} {other:<16}", round(*other_value));
            if *other_value > 0.0 {
                print!(" {:>8}", round(value / other_value));
            }
        }
        println!();
    }
}

/// Four digits are as many as a run can promise.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powf(3.0 - value.abs().log10().floor());
    if scale < 1.0 { value.round() } else { (value * scale).round() / scale }
}

/// The value below which this share of the values lies.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64) * share).ceil() as usize;
    values.get(at.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(0.0)
}
