//! What a request says of who asks, and the parts of it that are read by hand so that every refusal is a problem document.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;

/// The connection that a path names.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Link {
    /// The audience's key.
    #[param(example = "gold_customers")]
    pub(super) audience: String,
    /// The destination's name.
    #[param(example = "braze-eu")]
    pub(super) destination: String,
}

/// The address of whoever asks.
pub(crate) fn address(parts: &Parts) -> IpAddr {
    let told = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    told.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip().to_canonical())
}

impl FromRequestParts<Desk> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        let said = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token =
            said.and_then(|said| said.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let token = token.map(|(_, token)| token.trim().to_owned()).ok_or(Problem::Unauthorized)?;
        let address = address(parts);
        desk.aside(move |desk| desk.door().by_token(&token, address, desk.now_ms())).await
    }
}

/// A body that is a JSON object.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Desk> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Problem> {
        let hint = "see /api/v1/openapi.json for what it takes";
        // By way of an object: a list of the same values in their order is none.
        let read = Json::<Map<String, Value>>::from_request(request, desk).await;
        let Json(object) = read.map_err(|error| match error {
            JsonRejection::MissingJsonContentType(_) => {
                Problem::invalid("the body is not said to be JSON", "send it with `content-type: application/json`")
            }
            error => Problem::invalid(error.body_text(), hint),
        })?;
        let read = serde_json::from_value(Value::Object(object));
        read.map(Self).map_err(|error| Problem::invalid(error.to_string(), hint))
    }
}

/// The items of a query.
pub(super) struct Items<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Desk> for Items<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        let read = Query::<T>::from_request_parts(parts, desk).await;
        let invalid = |error: axum::extract::rejection::QueryRejection| {
            Problem::invalid(error.body_text(), "see /api/v1/openapi.json for what it takes")
        };
        read.map(|Query(items)| Self(items)).map_err(invalid)
    }
}

/// The variable parts of a path.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Desk> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Problem> {
        let read = Path::<T>::from_request_parts(parts, desk).await;
        read.map(|Path(named)| Self(named)).map_err(|_| Problem::Missing("thing with this name".to_owned()))
    }
}
