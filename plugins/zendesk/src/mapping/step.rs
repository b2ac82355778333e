//! What is done for one member, in order: withdrawals first, so that the membership that stands is written last.
//!
//! Pure, and the same in `map` and in `send`: requests are made of the steps, and answers are read by them.

use enroute_sdk::{Context, Member, Reject};

use super::has_name;
use super::identity::{Identities, Target};
use crate::settings::{EmailChange, Settings};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'m> {
    /// A user who is looked for is told that the membership ended.
    Withdraw(Target<'m>),
    /// A user who is looked for is told of the membership.
    Update(Target<'m>),
    /// A user is created or updated.
    Upsert,
}

impl<'m> Step<'m> {
    /// Whether the user's own record is written.
    pub(crate) fn writes_user(&self, ctx: &Context<Settings>) -> bool {
        match self {
            Self::Withdraw(_) => ctx.settings().has_field(),
            Self::Update(_) => ctx.settings().has_field() || !ctx.rows().is_empty(),
            Self::Upsert => true,
        }
    }

    /// Requests of the step.
    pub(crate) fn requests(&self, ctx: &Context<Settings>) -> usize {
        usize::from(self.writes_user(ctx)) + usize::from(ctx.settings().has_tag())
    }

    /// What finds the user, where it must exist.
    pub(crate) const fn target(&self) -> Option<&Target<'m>> {
        match self {
            Self::Withdraw(target) | Self::Update(target) => Some(target),
            Self::Upsert => None,
        }
    }
}

/// Whether users can be created: Zendesk creates nobody without a name.
pub(crate) fn creates(ctx: &Context<Settings>) -> bool {
    ctx.settings().create_users && has_name(ctx)
}

/// The steps of a member.
pub(crate) fn steps<'m>(
    ctx: &Context<Settings>,
    identities: Identities,
    member: Member<'m>,
) -> Result<Vec<Step<'m>>, Reject> {
    let nobody = || Reject::new("no_identifier", "the profile has nothing that identifies a Zendesk user");
    let mut steps: Vec<Step<'m>> = identities.earlier(member).into_iter().map(Step::Withdraw).collect();
    if member.is_removed() {
        return if steps.is_empty() { Err(nobody()) } else { Ok(steps) };
    }
    steps.push(if creates(ctx) { Step::Upsert } else { Step::Update(identities.target(member).ok_or_else(nobody)?) });
    Ok(steps)
}

/// Whether a member's changed address is made the first one.
pub(crate) fn moves_address(ctx: &Context<Settings>, identities: Identities, member: Member<'_>) -> bool {
    ctx.settings().on_email_change == EmailChange::MakePrimary
        && !member.is_removed()
        && identities.address_changed(member)
}
