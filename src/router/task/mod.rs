//! Names that stand for several model groups: which of them a request goes to, by what it asks or by weight.

mod complexity;
mod rules;
mod split;
mod words;

pub use complexity::{Complexity, DIMENSIONS, TIERS, Tier};
pub use rules::Rule;
pub use split::{Split, Variant};
pub use words::Ask;

use super::fallback::Hop;

/// How a name is resolved.
#[derive(Clone, Debug)]
pub enum Task {
    /// LiteLLM's complexity router: the words of the ask are scored, and the score chooses a tier.
    Complexity(Box<Complexity>),
    /// `task_routing`: the first rule that holds.
    Rules(Vec<Rule>),
    /// `traffic_split`: by weight.
    Split(Split),
}

/// A name that stands for several model groups.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name.
    pub name: String,
    /// How it is resolved.
    pub task: Task,
    /// `model_info.access_groups` of a complexity router.
    pub access_groups: Vec<String>,
}

/// Where a request goes, and why.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The model group, with the fields of the request that a tier changes.
    pub hop: Hop,
    /// The tier, the rule or the variant.
    pub label: String,
    /// Whether it is a variant of a traffic split, which the spend log tells.
    pub is_variant: bool,
}

impl Task {
    /// Where `ask` goes; `None` where nothing is configured for it. `random` is uniform over all of `u64`; `key` is what
    /// a sticky split goes by.
    pub fn choose(&self, name: &str, ask: &Ask, key: Option<&str>, random: u64) -> Option<Chosen> {
        let chosen = |hop: &Hop, label: String| Chosen { hop: hop.clone(), label, is_variant: false };
        match self {
            Self::Complexity(router) => {
                let (tier, why) = router.tier(ask);
                let hop = router.hop(tier, random)?;
                Some(chosen(hop, format!("{} ({why})", tier.name())))
            }
            Self::Rules(rules) => {
                let index = rules.iter().position(|rule| rule.holds(ask))?;
                let rule = rules.get(index)?;
                Some(chosen(&Hop::to(&rule.model), format!("rule {}", index + 1)))
            }
            Self::Split(split) => {
                let variant = split.choose(name, key, random)?;
                Some(Chosen { hop: Hop::to(&variant.model), label: variant.name.clone(), is_variant: true })
            }
        }
    }

    /// Every model group that it may lead to.
    pub fn models(&self) -> Vec<&str> {
        match self {
            Self::Complexity(router) => router.models(),
            Self::Rules(rules) => rules.iter().map(|rule| rule.model.as_str()).collect(),
            Self::Split(split) => split.variants.iter().map(|variant| variant.model.as_str()).collect(),
        }
    }
}
