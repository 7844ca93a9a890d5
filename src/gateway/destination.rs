//! Where a name that stands for several model groups leads a request: task routing, complexity routers, traffic splits.

use super::attempt::Request;
use super::fit::Fitting;
use crate::cost::tokens::{Counter, Family, count_chat};
use crate::error::{Error, Result};
use crate::http::Headers;
use crate::openai::Fields;
use crate::router::task::{Ask, Chosen, Named, Task};

/// How many such names may stand behind each other.
const MOST_TURNS: usize = 4;

/// A name that a request came by, and where it led.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// The name.
    pub(super) name: String,
    /// Where it led, and why.
    pub(super) chosen: Chosen,
}

/// Where a request goes.
#[derive(Debug, Default)]
pub(super) struct Destination {
    /// The model group, as a request names it.
    pub(super) model: String,
    /// Fields of the request that change on the way.
    pub(super) overrides: Fields,
    /// The names on the way.
    pub(super) turns: Vec<Turn>,
}

impl Fitting<'_> {
    /// Where `request` goes when it asks for `model`. `random` is uniform over all of `u64`, and asked for only where
    /// chance decides.
    ///
    /// # Errors
    ///
    /// A name for which nothing that is configured holds.
    pub(super) fn destination(
        &self,
        model: &str,
        request: &Request,
        headers: &Headers,
        random: impl Fn() -> u64,
    ) -> Result<Destination> {
        let config = &self.gateway.config;
        let mut out = Destination { model: model.to_owned(), ..Destination::default() };
        while let Some(named) = config.task(&out.model) {
            // A name may lead to the model group of the same name: there it ends.
            if out.turns.len() == MOST_TURNS || out.turns.iter().any(|turn| turn.name == named.name) {
                break;
            }
            let chosen =
                named.task.choose(&named.name, &ask(named, request), key(named, request, headers).as_deref(), random());
            let Some(chosen) = chosen else {
                let message = format!(
                    "no rule of `{}` holds for this request: give it a last rule without conditions",
                    named.name
                );
                return Err(Error::bad_request("model", message));
            };
            out.model.clone_from(&chosen.hop.model);
            for (name, value) in chosen.hop.overrides.iter() {
                out.overrides.set_raw(name, value.to_owned());
            }
            out.turns.push(Turn { name: named.name.clone(), chosen });
        }
        Ok(out)
    }
}

/// What the request asks, as far as the name looks at it.
fn ask(named: &Named, request: &Request) -> Ask {
    match (request, &named.task) {
        (Request::Chat(chat), Task::Complexity(_)) => Ask::of(chat, 0),
        (Request::Chat(chat), Task::Rules(_)) => {
            let count = count_chat(chat, chat.model(), Counter::Estimate(Family::OpenAi));
            Ask::of(chat, count.map_or(0, |count| count.value))
        }
        _ => Ask::default(),
    }
}

/// What the same variant of a split is kept for: the request's `user`, or a header.
fn key(named: &Named, request: &Request, headers: &Headers) -> Option<String> {
    let Task::Split(split) = &named.task else { return None };
    match split.sticky.as_deref()? {
        "user" => request.fields().get::<String>("user").ok().flatten(),
        header => headers.get(header).map(str::to_owned),
    }
    .filter(|key| !key.is_empty())
}

/// Turns as a header: ASCII alone, whatever stands in the configuration.
pub(super) fn told(turns: &[Turn]) -> String {
    let told = |turn: &Turn| format!("{} -> {} by {}", turn.name, turn.chosen.hop.model, turn.chosen.label);
    let told: Vec<String> = turns.iter().map(told).collect();
    plain(&told.join("; "))
}

/// A text of which a header can be made.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|char| if (' '..='~').contains(&char) { char } else { '?' }).collect()
}
