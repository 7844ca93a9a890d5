//! What a request would cost at every model of the price table: the numbers of the page in `www/`.

use super::bound;
use crate::cost::tokens::{self, Counter, Encoding, Family, Manner, Method, TokenCount, Vocabulary};
use crate::cost::{Buckets, Charge, Context, Entry, Exactness, Price, PriceTable, Tier, Unit, charge, upper_bound};
use crate::error::{Error, Result};
use crate::keys::calendar::{MS_PER_DAY, write_day};
use crate::money::Money;
use crate::openai::{ChatRequest, Fields};

/// Days of the month that the page speaks of.
const DAYS_PER_MONTH: u64 = 30;

/// The numbers of a model, in their order. Unknown is NaN.
pub const COLUMNS: [&str; 17] = [
    "tokens",
    "tokens_error_percent",
    "tokens_exact",
    "most_tokens",
    "cost",
    "cost_low",
    "cost_high",
    "cost_worst",
    "cost_per_day",
    "cost_per_month",
    "input_cost",
    "cache_read_cost",
    "output_cost",
    "other_cost",
    "cost_exact",
    "fits",
    "output_fits",
];

/// What is expected of a call beside its request.
#[derive(Clone, Debug, Default)]
struct Expected {
    now_ms: u64,
    output: [u64; 3],
    cached_percent: u64,
    calls_per_day: u64,
    tier: Option<String>,
}

impl Expected {
    fn read(fields: &Fields) -> Result<Self> {
        let count = |name: &str| {
            let number = fields.get::<f64>(name)?.unwrap_or(0.0);
            if number.is_finite() && (0.0..=1e15).contains(&number) {
                return Ok(number as u64);
            }
            Err(Error::bad_request(name, format!("`{name}` must be a number from 0 on")))
        };
        let expected = Self {
            now_ms: count("now_ms")?,
            output: [count("output_low")?, count("output")?, count("output_high")?],
            cached_percent: count("cached_percent")?,
            calls_per_day: count("calls_per_day")?,
            tier: fields.get::<String>("service_tier")?.filter(|tier| !tier.is_empty()),
        };
        let [low, usual, high] = expected.output;
        if low > usual || usual > high {
            let message = "`output` must lie between `output_low` and `output_high`";
            return Err(Error::bad_request("output", message));
        }
        if expected.cached_percent > 100 {
            return Err(Error::bad_request("cached_percent", "`cached_percent` must be a number from 0 to 100"));
        }
        if let Some(name) = &expected.tier
            && Tier::from_name(name).is_none()
        {
            return Err(Error::bad_request(
                "service_tier",
                format!("`service_tier` is not one that is known: `{name}`"),
            ));
        }
        Ok(expected)
    }

    fn context(&self) -> Context<'_> {
        Context { now_ms: self.now_ms, service_tier: self.tier.as_deref(), ..Context::default() }
    }

    fn tier(&self) -> Tier {
        self.tier.as_deref().and_then(Tier::from_name).unwrap_or_default()
    }
}

/// Models that count a request alike, and what they come to.
struct Alike {
    manner: Manner,
    exact: bool,
    bound_family: Family,
    tokens: TokenCount,
    most: u64,
}

/// A request beside all models of a price table. Tokens are counted once for all models that count alike.
pub struct Survey {
    table: PriceTable,
    entries: Vec<Entry>,
    vocabularies: Vec<Vocabulary>,
    request: Option<ChatRequest>,
    expected: Expected,
    alike: Vec<Alike>,
}

impl Survey {
    /// A survey of a table.
    pub fn new(table: PriceTable) -> Self {
        let entries = table.entries().collect();
        let expected = Expected::default();
        Self { table, entries, vocabularies: Vec::new(), request: None, expected, alike: Vec::new() }
    }

    /// Takes another table; what was counted stays.
    pub fn take_table(&mut self, table: PriceTable) {
        self.entries = table.entries().collect();
        self.table = table;
    }

    /// Takes a vocabulary: models that have it count exactly from now on.
    pub fn take_vocabulary(&mut self, vocabulary: Vocabulary) {
        self.vocabularies.retain(|own| own.encoding() != vocabulary.encoding());
        self.vocabularies.push(vocabulary);
        self.alike.clear();
    }

    /// Takes the request (a chat request; `model` may be missing).
    ///
    /// # Errors
    ///
    /// What is no chat request.
    pub fn take_request(&mut self, body: &[u8]) -> Result<()> {
        let mut fields = Fields::parse(body)?;
        if !fields.contains("model") {
            fields.set("model", "any");
        }
        let request = ChatRequest::from_fields(fields)?;
        // What counting would refuse is said once, here.
        request.messages()?;
        request.tools()?;
        request.tool_choice()?;
        self.alike.clear();
        self.request = Some(request);
        Ok(())
    }

    /// Takes what is expected: `now_ms`, `output_low`, `output`, `output_high` (tokens), `cached_percent`, `calls_per_day`,
    /// `service_tier`.
    ///
    /// # Errors
    ///
    /// A field that is wrong.
    pub fn take_expected(&mut self, body: &[u8]) -> Result<()> {
        self.expected = Expected::read(&Fields::parse(body)?)?;
        Ok(())
    }

    /// The encodings whose vocabularies would make counts exact.
    pub fn encodings() -> [Encoding; 2] {
        [Encoding::O200kBase, Encoding::Cl100kBase]
    }

    /// What is known of each model: name, provider, mode, limits, capabilities, prices of a million tokens, dates.
    pub fn models(&self) -> Vec<Fields> {
        self.entries.iter().map(|entry| self.model(entry)).collect()
    }

    fn model(&self, entry: &Entry) -> Fields {
        let mut out = Fields::default();
        out.set("id", entry.id());
        out.set("provider", entry.provider());
        out.set("mode", entry.mode());
        let limits = entry.limits();
        out.set("max_input", &limits.max_input.or(limits.context));
        out.set("max_output", &limits.max_output);
        let can: Vec<&str> = entry.capabilities().filter(|(_, can)| *can).map(|(name, _)| name).collect();
        out.set("can", &can);
        let cannot: Vec<&str> = entry.capabilities().filter(|(_, can)| !*can).map(|(name, _)| name).collect();
        out.set("cannot", &cannot);
        let rates = entry.rates_at(self.expected.now_ms);
        for (name, unit) in [("input", Unit::Input), ("cached", Unit::CacheRead), ("output", Unit::Output)] {
            let price = rates.and_then(|rates| rates.base(unit)).map(Price::per_million);
            out.set(name, &price);
        }
        let has = |tier: Tier| rates.is_some_and(|rates| rates.all().iter().any(|rate| rate.tier == tier));
        let tiers: Vec<&str> = Tier::ALL.iter().filter(|tier| has(**tier)).map(|tier| tier.name()).collect();
        out.set("tiers", &tiers);
        let day = |day: u32| write_day(u64::from(day) * MS_PER_DAY);
        let held = entry.lists().iter().filter(|list| u64::from(list.from_day) * MS_PER_DAY <= self.expected.now_ms);
        let since = held.map(|list| list.from_day).max().filter(|since| *since > 0);
        out.set("since", &since.map(day));
        out.set("until", &entry.deprecation_day().map(day));
        out
    }

    /// The day of the price data, and its hash.
    pub fn source(&self) -> (String, String) {
        (write_day(u64::from(self.table.date()) * MS_PER_DAY), self.table.hash())
    }

    /// The numbers of all models, [`COLUMNS`] for each, in the order of [`Survey::models`].
    ///
    /// # Errors
    ///
    /// A request that cannot be counted.
    pub fn numbers(&mut self) -> Result<Vec<f64>> {
        let mut out = Vec::with_capacity(self.entries.len() * COLUMNS.len());
        for index in 0..self.entries.len() {
            let at = self.alike_of(index)?;
            let (Some(entry), Some(alike)) = (self.entries.get(index), at.and_then(|at| self.alike.get(at))) else {
                out.extend([f64::NAN; COLUMNS.len()]);
                continue;
            };
            out.extend(self.row(entry, alike));
        }
        Ok(out)
    }

    /// What a model costs for answers of these lengths in tokens. Unknown is NaN.
    ///
    /// # Errors
    ///
    /// As [`Survey::numbers`].
    pub fn curve(&mut self, index: usize, lengths: &[f64]) -> Result<Vec<f64>> {
        let at = self.alike_of(index)?;
        let (Some(entry), Some(alike)) = (self.entries.get(index), at.and_then(|at| self.alike.get(at))) else {
            return Ok(vec![f64::NAN; lengths.len()]);
        };
        let cost = |length: &f64| self.charge(entry, alike.tokens.value, *length as u64).map(|charge| charge.total);
        Ok(lengths.iter().map(|length| dollars(cost(length))).collect())
    }

    /// Where the count of a model is kept; counts first where it is the first of its kind.
    fn alike_of(&mut self, index: usize) -> Result<Option<usize>> {
        let (Some(entry), Some(request)) = (self.entries.get(index), &self.request) else { return Ok(None) };
        let (provider, model) = (entry.provider(), entry.id());
        let encoding = tokens::encoding_of(provider, model);
        let vocabulary = self.vocabularies.iter().find(|own| Some(own.encoding()) == encoding);
        let counter = match vocabulary {
            Some(vocabulary) => Counter::Exact(vocabulary),
            None => Counter::Estimate(tokens::family_of(provider, model)),
        };
        let choice = request.tool_choice()?;
        let manner = Manner::of(counter.family(), model, choice.as_ref());
        let (exact, bound_family) = (vocabulary.is_some(), bound::family(provider, model));
        let same = |own: &Alike| own.manner == manner && own.exact == exact && own.bound_family == bound_family;
        if let Some(at) = self.alike.iter().position(same) {
            return Ok(Some(at));
        }
        let tokens = tokens::count_chat(request, model, counter)?;
        let most = bound::written_bound(request, model, bound_family);
        self.alike.push(Alike { manner, exact, bound_family, tokens, most });
        Ok(Some(self.alike.len() - 1))
    }

    /// How many answers the request asks for.
    fn answers(&self) -> u64 {
        let asked = self.request.as_ref().and_then(|request| request.get::<u64>("n").ok().flatten());
        asked.unwrap_or(1).max(1)
    }

    /// What the expected call costs with an answer of `output` tokens; `None` where nobody knows, as for a tier without a
    /// price of its own.
    fn charge(&self, entry: &Entry, prompt: u64, output: u64) -> Option<Charge> {
        let (expected, tier) = (&self.expected, self.expected.tier());
        let rates = entry.rates_at(expected.now_ms)?;
        if tier != Tier::Standard && !rates.all().iter().any(|rate| rate.tier == tier && rate.unit.is_token()) {
            return None;
        }
        let cached = (u128::from(prompt) * u128::from(expected.cached_percent) / 100) as u64;
        let used =
            Buckets::of_text(prompt - cached, output.saturating_mul(self.answers())).with(Unit::CacheRead, cached);
        charge(entry, &used, &expected.context())
    }

    /// The most that the call can cost; `None` where nobody knows, as with searches and what the request only refers to.
    fn worst(&self, entry: &Entry, alike: &Alike) -> Option<Money> {
        let open = |request: &ChatRequest| bound::searches(request) > 0 || bound::refers(request);
        if self.request.as_ref().is_none_or(open) {
            return None;
        }
        let [.., high] = self.expected.output;
        upper_bound(entry, alike.most, high, self.answers(), &self.expected.context())
    }

    fn row(&self, entry: &Entry, alike: &Alike) -> [f64; COLUMNS.len()] {
        let TokenCount { value, method, error_percent } = alike.tokens;
        let [low, usual, high] = self.expected.output.map(|output| self.charge(entry, value, output));
        let total = |charge: &Option<Charge>| dollars(charge.as_ref().map(|charge| charge.total));
        let part = |part: fn(&Charge) -> Money| dollars(usual.as_ref().map(part));
        let calls = self.expected.calls_per_day;
        let times = |calls: u64| dollars(usual.as_ref().map(|charge| charge.total * calls));
        let counted = method == Method::Exact;
        let exact = usual.as_ref().map(|charge| counted && charge.exactness == Exactness::Exact);
        let [_, output, high_output] = self.expected.output;
        [
            value as f64,
            f64::from(error_percent),
            truth(Some(counted)),
            alike.most as f64,
            total(&usual),
            total(&low),
            total(&high),
            dollars(self.worst(entry, alike)),
            times(calls),
            times(calls.saturating_mul(DAYS_PER_MONTH)),
            part(|charge| charge.items.input + charge.items.cache_creation),
            part(|charge| charge.items.cache_read),
            part(|charge| charge.items.output + charge.items.reasoning),
            part(|charge| charge.items.other + charge.items.tool_usage),
            truth(exact),
            fits(entry, alike.tokens, output),
            truth(entry.limits().max_output.map(|most| high_output <= most)),
        ]
    }
}

/// Whether the prompt and the answer fit: 1, 0, or 0.5 where the error of the count decides.
fn fits(entry: &Entry, tokens: TokenCount, output: u64) -> f64 {
    let limits = entry.limits();
    let within = |prompt: u64| {
        let own = limits.max_input.or(limits.context).map(|most| prompt <= most);
        let both = limits.context.map(|most| prompt.saturating_add(output) <= most);
        own.map(|own| own && both.unwrap_or(true))
    };
    let error = (u128::from(tokens.value) * u128::from(tokens.error_percent)).div_ceil(100) as u64;
    let near = [tokens.value.saturating_sub(error), tokens.value.saturating_add(error)].map(within);
    match near {
        [Some(true), Some(true)] => 1.0,
        [Some(false), Some(false)] => 0.0,
        [Some(_), Some(_)] => 0.5,
        _ => f64::NAN,
    }
}

fn dollars(money: Option<Money>) -> f64 {
    money.map_or(f64::NAN, Money::dollars)
}

fn truth(known: Option<bool>) -> f64 {
    known.map_or(f64::NAN, |known| f64::from(u8::from(known)))
}

#[cfg(test)]
mod tests;
