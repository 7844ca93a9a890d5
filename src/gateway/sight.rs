//! What a caller may see of the models: those that its key, its team and its user may call.

use super::Gateway;
use super::admit;
use super::asked::Asked;
use super::caller::Caller;
use super::hold::Known;
use super::host::Host;
use crate::config::Whose;
use crate::error::Result;

/// What a caller may see.
pub(super) enum Sight {
    /// Everything, addresses of servers too.
    All,
    /// What a key may call, at a time (Unix ms).
    Key(Box<Known>, u64),
}

impl Sight {
    /// Reads the records of a caller who asks `path`.
    ///
    /// # Errors
    ///
    /// 401 for a key that is blocked or has expired, 403 for one that may not ask this; or the directory cannot be
    /// reached.
    pub(super) async fn of<H: Host>(gateway: &Gateway, host: &H, caller: &Caller, path: &str) -> Result<Self> {
        let Caller::Key(key) = caller else { return Ok(Self::All) };
        let known = Known::read(gateway, host, key.clone(), &Asked::default()).await?;
        let now_ms = host.now_ms();
        known.identity().admit(path, "", None, now_ms)?;
        Ok(Self::Key(Box::new(known), now_ms))
    }

    /// Whether the caller sees everything.
    pub(super) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Whose deployments the caller may come to.
    pub(super) fn whose(&self) -> Whose<'_> {
        match self {
            Self::All => Whose::Everybodys,
            Self::Key(known, _) => Whose::Key(known.team_id()),
        }
    }

    /// Whether the caller sees `model`, as a request would name it.
    pub(super) fn sees(&self, gateway: &Gateway, model: &str) -> bool {
        let Self::Key(known, now_ms) = self else { return true };
        let matches = gateway.config.deployments_of(model, self.whose());
        let facts = admit::facts(&gateway.config, model, &matches);
        known.identity().admit("/models", model, Some(&facts), *now_ms).is_ok()
    }
}
