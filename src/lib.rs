//! Tollgate: an LLM gateway at the edge, one OpenAI-shaped door to every provider.
//!
//! The core is pure: requests, configurations, clocks and random numbers come in as data, and upstream requests,
//! answers, decisions and costs go out as data. It opens no socket, reads no clock, no file and no environment, and keeps
//! no global. The shells ([`cloudflare`] and [`js`], wasm32 only) bring all of that through one trait, `gateway::Host`.
//!
//! Floors, bottom to top; no arrow runs upward:
//!
//! 1. words: [`base64`], [`error`], [`http`], [`secret`], [`money`], [`openai`]
//! 2. knowledge: [`frame`], [`cost`], [`router`]
//! 3. dialects: [`provider`], [`keys`]
//! 4. the spine: [`config`], [`gateway`]
//! 5. shells: `cloudflare`, `js`, over `web`

pub mod base64;
pub mod error;
pub mod http;
mod json;
pub mod money;
pub mod openai;
pub mod secret;
pub mod sorted;

pub mod cost;
pub mod frame;
pub mod router;

pub mod keys;
pub mod provider;

pub mod config;
pub mod gateway;

#[cfg(all(any(feature = "worker", feature = "js"), target_arch = "wasm32"))]
mod web;

#[cfg(all(feature = "worker", target_arch = "wasm32"))]
pub mod cloudflare;
#[cfg(all(feature = "js", target_arch = "wasm32"))]
pub mod js;
