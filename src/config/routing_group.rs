//! `routing_groups`: model groups under one more name, with a strategy of their own.

use super::routing;
use super::section::Section;
use crate::router::{Strategy, StrategyArgs};

/// A routing group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RoutingGroup {
    /// `group_name`: clients may call it, unless a model group or an alias has that name.
    pub name: String,
    /// `models`: the model groups in it.
    pub models: Vec<String>,
    /// `routing_strategy`; with `priority`, that of the deployments of one priority.
    pub strategy: Strategy,
    /// `routing_strategy_args`.
    pub args: StrategyArgs,
    /// Whether the strategy is `priority`.
    pub by_priority: bool,
    /// `model_priorities`, of the strategy `priority`: the least is tried first.
    pub priorities: Vec<(String, u64)>,
}

/// LiteLLM's strategy that goes by `model_priorities`.
const PRIORITY: &str = "priority";

impl RoutingGroup {
    /// The `order` of the deployments of `model`, where the group goes by priorities.
    pub fn order_of(&self, model: &str) -> Option<u64> {
        self.priorities.iter().find(|(own, _)| own == model).map(|(_, order)| *order)
    }
}

/// Reads the list.
pub(super) fn read(router: &Section<'_>) -> Vec<RoutingGroup> {
    let mut groups: Vec<RoutingGroup> = Vec::new();
    for entry in router.sections("routing_groups") {
        let Some(name) = entry.required("group_name", "give the name of the group") else { continue };
        if name == "default" {
            entry.error("group_name", "\"default\" is reserved for all models that are in no routing group");
        }
        if groups.iter().any(|other| other.name == name) {
            entry.error("group_name", format!("two routing groups are called \"{name}\": each needs its own name"));
        }
        let models = entry.strings("models");
        let by_priority = entry.raw("routing_strategy").is_some_and(|value| value == PRIORITY);
        let (strategy, args) = if by_priority { Default::default() } else { routing::strategy(&entry) };
        if entry.raw("routing_strategy").is_none() {
            entry.error("routing_strategy", "`routing_strategy` is missing: give \"simple-shuffle\" or another");
        }
        let clash = |other: &&RoutingGroup| {
            !by_priority && !other.by_priority && other.models.iter().any(|model| models.contains(model))
        };
        if let Some(other) = groups.iter().find(clash) {
            let message = format!("a model of it is in the routing group \"{}\" too: it may be in one", other.name);
            entry.error("models", message);
        }
        let priorities = priorities(&entry);
        if by_priority && !models.iter().all(|model| priorities.iter().any(|(own, _)| own == model)) {
            entry.error("model_priorities", "`model_priorities` must name every model of the group, from 1 on");
        }
        groups.push(RoutingGroup { name, models, strategy, args, by_priority, priorities });
    }
    groups
}

fn priorities(entry: &Section<'_>) -> Vec<(String, u64)> {
    let Some(section) = entry.section("model_priorities") else { return Vec::new() };
    let read = |name: &String| Some((name.clone(), section.count(name, u64::from(u32::MAX))?));
    section.map.keys().filter_map(read).collect()
}
