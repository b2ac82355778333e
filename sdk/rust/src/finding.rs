//! What a probe or an open finds out of the account.

use crate::{AccountItem, AccountKind, ValueType, Verdict, Warning};

/// Most things that a host keeps of an account (K9.4).
pub const ACCOUNT_ITEMS_MAX: usize = 5_000;

/// What a probe or an open found out.
///
/// ```
/// use enroute_sdk::{Finding, Verdict};
///
/// let finding = Finding::ok().remote("{\"list\":\"7\"}");
/// assert_eq!(finding.verdict, Verdict::Ok);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What the answers say of the account.
    pub verdict: Verdict,
    /// Replaces what is stored of the remote: a JSON text.
    pub remote: Option<String>,
    /// Replaces what is known of the account's own fields, lists and objects.
    pub account: Option<Vec<AccountItem>>,
    /// Things worth telling.
    pub warnings: Vec<Warning>,
}

impl AccountItem {
    /// A field of the account's own, as rows name it.
    ///
    /// ```
    /// use enroute_sdk::{AccountItem, ValueType};
    ///
    /// let field = AccountItem::field("favourite_color", ValueType::Text).label("Favourite colour").choices(["red", "blue"]);
    /// assert_eq!(field.choices, ["red", "blue"]);
    /// ```
    #[must_use]
    pub fn field(name: impl Into<String>, takes: ValueType) -> Self {
        Self {
            kind: AccountKind::Field,
            name: name.into(),
            label: String::new(),
            type_: takes,
            required: false,
            choices: Vec::new(),
        }
    }

    /// A place that people can be put, as settings name it.
    #[must_use]
    pub fn list(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self { kind: AccountKind::List, label: label.into(), ..Self::field(name, ValueType::Any) }
    }

    /// A table or object that records belong to, as settings name it.
    #[must_use]
    pub fn object(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self { kind: AccountKind::Object, label: label.into(), ..Self::field(name, ValueType::Any) }
    }

    /// Reads an account page by page: `page` is given the cursor of a page, none for the first, and answers with what
    /// is on it and the cursor of the next. Returns none where a page is missing, or where there are more than
    /// `pages_max`: what is reported of an account is all of it. Stops at [`ACCOUNT_ITEMS_MAX`], which the host takes
    /// for a part.
    ///
    /// ```
    /// use enroute_sdk::AccountItem;
    ///
    /// let page = |cursor: Option<&str>| match cursor {
    ///     None => Some((vec![AccountItem::list("1", "One")], Some("b".to_owned()))),
    ///     Some(_) => Some((vec![AccountItem::list("2", "Two")], None)),
    /// };
    /// assert_eq!(AccountItem::pages(10, page).map(|items| items.len()), Some(2));
    /// assert_eq!(AccountItem::pages(1, page), None);
    /// ```
    #[must_use]
    pub fn pages(
        pages_max: usize,
        mut page: impl FnMut(Option<&str>) -> Option<(Vec<Self>, Option<String>)>,
    ) -> Option<Vec<Self>> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..pages_max {
            let (more, next) = page(cursor.as_deref())?;
            items.extend(more);
            items.truncate(ACCOUNT_ITEMS_MAX);
            match next {
                Some(next) if items.len() < ACCOUNT_ITEMS_MAX && cursor.as_ref() != Some(&next) => cursor = Some(next),
                _ => return Some(items),
            }
        }
        None
    }

    /// With the name that people at the destination use.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// As something that a record cannot be without.
    #[must_use]
    pub fn required(self, required: bool) -> Self {
        Self { required, ..self }
    }

    /// With all that it may be.
    #[must_use]
    pub fn choices<T: Into<String>>(self, choices: impl IntoIterator<Item = T>) -> Self {
        Self { choices: choices.into_iter().map(Into::into).collect(), ..self }
    }
}

impl Finding {
    /// All well.
    #[must_use]
    pub const fn ok() -> Self {
        Self::verdict(Verdict::Ok)
    }

    /// With this verdict.
    #[must_use]
    pub const fn verdict(verdict: Verdict) -> Self {
        Self { verdict, remote: None, account: None, warnings: Vec::new() }
    }

    /// With a new remote: a JSON text of at most 1 MiB.
    #[must_use]
    pub fn remote(mut self, json: impl Into<String>) -> Self {
        self.remote = Some(json.into());
        self
    }

    /// With all fields, lists and objects that the account has of its own.
    #[must_use]
    pub fn account(mut self, items: Vec<AccountItem>) -> Self {
        self.account = Some(items);
        self
    }

    /// With a warning.
    #[must_use]
    pub fn warn(mut self, code: &str, field: Option<&str>, count: u32) -> Self {
        self.warnings.push(Warning { code: code.to_owned(), field: field.map(str::to_owned), count });
        self
    }
}
