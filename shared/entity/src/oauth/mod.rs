//! Apps that customers let in, by OAuth 2.1: who they are, what they may do, and the tokens that show it.
//!
//! A **grant** is what a customer has let an app do. It begins with the consent, which makes a **code**; the code is
//! exchanged for an access token, which is short-lived, and a refresh token, which is exchanged for the next pair. Each
//! code and refresh token is good once: one that comes again was copied, and ends the grant (but for an answer that got lost,
//! see [`refresh`]). Everything ends with its
//! grant, and a grant that nobody comes back to ends by itself.

mod clients;
mod grants;
mod tokens;

use sea_orm::{DeriveActiveEnum, EnumIter, FromJsonQueryResult};
use serde::{Deserialize, Serialize};

pub use clients::{Client, NewClient, client, keep_document, register};
pub(crate) use grants::end_let_in_by;
pub use grants::{App, Consent, Grant, allow, apps, forget_dead, list, revoke, still_accepted};
pub use tokens::{Authorized, Issued, NotIssued, Redemption, authenticate, end, end_leaked, redeem, refresh};

use crate::secret::plain_secret;

plain_secret!(
    /// What an app exchanges for its first tokens.
    Code,
    "hcmo_ac_"
);
plain_secret!(
    /// What lets an app in for a quarter of an hour.
    AccessToken,
    "hcmo_at_"
);
plain_secret!(
    /// What an app exchanges for its next tokens.
    RefreshToken,
    "hcmo_rt_"
);

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(sea_orm::sea_query::StringLen::N(20))", rename_all = "snake_case")]
pub enum TokenKind {
    /// It lets in.
    Access,
    /// It is exchanged for others.
    Refresh,
    /// It was to be exchanged for others, but never arrived, and its app was given another one.
    Lost,
}

/// Where answers to an app may go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct RedirectUris(pub Vec<String>);
