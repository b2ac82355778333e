//! What is doubtful about a comparison, given what profiles have.
//!
//! Pure. SQLite compares by kind before it compares by value: a number is less than every text, and equal to none.

use std::ops::Range;

use enroute_core::suggest::nearest;

use crate::condition::Doubt;
use crate::condition::facts::{Facts, folded};
use crate::condition::text::{Comparison, Literal, Of, Operand, Relation};

/// Longest piece of a condition or a value that is repeated, in characters.
const CHARS_SHOWN: usize = 60;

/// Most values that are listed where none is near. Each must be of two people or more as a rule, so that what is
/// listed is a choice and nobody's own.
const VALUES_SHOWN: usize = 8;

/// Types as `json_type` names them.
const TYPES: [&str; 8] = ["null", "true", "false", "integer", "real", "text", "array", "object"];

const FOR_A_NUMBER: &str = "compare numbers: `cast(… as real)` around the value, and no quotes around the number";

/// A comparison with null by an operator.
pub(super) fn of_null(condition: &str, at: &Range<usize>, is_not: bool) -> Doubt {
    let shown = shown(condition.get(at.clone()).unwrap_or_default());
    let instead = if is_not { "is not null" } else { "is null" };
    Doubt::new(
        format!("`{shown}` is true of nobody: null is neither equal to anything nor other"),
        format!("write `{instead}`"),
    )
}

/// A value that no profile has. `hint` says more than a name that is near.
pub(super) fn of_missing(
    operand: &Operand,
    facts: &Facts,
    text: &str,
    hint: Option<String>,
    names: &[String],
) -> Doubt {
    let name = operand.steps.last().map(String::as_str).unwrap_or_default();
    let message = format!("{} has `{}`, which `{}` asks for", nobody(facts), shown(name), shown(text));
    let near = || {
        let same = names.iter().find(|known| folded(known) == folded(name)).map(String::as_str);
        same.or_else(|| nearest(name, names.iter().map(String::as_str)))
    };
    let hint = hint.or_else(|| near().map(|near| format!("did you mean `{}`?", shown(near))));
    Doubt::new(message, hint.unwrap_or_else(|| "`enroute traits` lists the traits that there are".to_owned()))
}

/// What is doubtful about a comparison.
pub(super) fn of(condition: &str, compared: &Comparison, facts: &Facts) -> Vec<Doubt> {
    let text = shown(condition.get(compared.at.clone()).unwrap_or_default());
    if facts.present() == 0 && compared.operand.of == Of::Value {
        let message = format!("{} has a value for what `{text}` compares: it is null everywhere", nobody(facts));
        return vec![Doubt::new(message, "`enroute traits` tells how many profiles have a value")];
    }
    let case = Case { text, compared, facts };
    let null = compared.is_not && compared.literals.len() > 1 && compared.literals.contains(&Literal::Null);
    let null = null.then(|| {
        let message = format!("`{}` is true of nobody: null is in its list", case.text);
        Doubt::new(message, "take null out of the list, and add `and … is not null` where it is meant")
    });
    null.into_iter().chain(compared.literals.iter().filter_map(|literal| case.judge(literal))).collect()
}

/// Who has none.
fn nobody(facts: &Facts) -> String {
    if facts.is_whole {
        "no profile".to_owned()
    } else {
        format!("none of the {} profiles that were looked at", facts.looked_at)
    }
}

struct Case<'a> {
    text: String,
    compared: &'a Comparison,
    facts: &'a Facts,
}

impl Case<'_> {
    fn judge(&self, literal: &Literal) -> Option<Doubt> {
        let Comparison { operand, relation, .. } = self.compared;
        match (operand.of, relation) {
            (Of::Value, Relation::Equal) => self.equal(literal),
            (Of::Value, Relation::Order) => self.order(literal),
            (Of::Value, Relation::Like) => self.like(literal),
            (Of::Value, Relation::Truth) => self.truth(),
            (Of::Json, _) => self.json(literal),
            (Of::Type, Relation::Equal) => self.type_name(literal),
            (Of::Type | Of::Inside, _) => None,
        }
    }

    /// A doubt: what is so, and what follows for an equality.
    fn unequal(&self, why: impl std::fmt::Display, hint: impl Into<String>) -> Option<Doubt> {
        let many = self.compared.literals.len() > 1;
        let follows = match (self.compared.is_not, many) {
            (false, false) => "is true of nobody",
            (true, false) => "is true of everybody who has a value",
            (_, true) => "has an entry without effect",
        };
        Some(Doubt::new(format!("`{}` {follows}: {why}", self.text), hint))
    }

    fn equal(&self, literal: &Literal) -> Option<Doubt> {
        let Facts { truths, numbers, texts, lists, .. } = *self.facts;
        match literal {
            Literal::Null => None,
            Literal::Text(text) => self.equal_text(text),
            Literal::Number(number) => {
                if numbers > 0 || texts == 0 {
                    return None;
                }
                let is_zero_or_one = *number == 0.0 || (*number - 1.0).abs() < f64::EPSILON;
                if truths > 0 && is_zero_or_one {
                    return None;
                }
                let hint = if self.facts.values.contains_key(&number.to_string()) {
                    format!("put it in quotes: `'{number}'`")
                } else {
                    FOR_A_NUMBER.to_owned()
                };
                self.unequal("the values are texts, and no text equals a number", hint)
            }
            Literal::Truth(truth) => {
                if truths > 0 || numbers > 0 || texts + lists == 0 {
                    return None;
                }
                let word = truth.to_string();
                let there = self.facts.values.keys().find(|value| folded(value) == word);
                let hint = there.map_or_else(
                    || self.listed(),
                    |there| format!("write it as the text that it is: `'{}'`", shown(there)),
                );
                self.unequal(format_args!("the values are texts, and no text equals {word}"), hint)
            }
        }
    }

    fn equal_text(&self, text: &str) -> Option<Doubt> {
        let facts = self.facts;
        let Facts { truths, numbers, texts, lists, .. } = *facts;
        let number = text.trim().parse::<f64>().ok();
        if let Some(case) = self.compared.operand.case {
            let changed = if case == "lower" { text.to_ascii_lowercase() } else { text.to_ascii_uppercase() };
            if changed != text {
                return self
                    .unequal(format_args!("`{case}` gives no such letters"), format!("write `'{}'`", shown(&changed)));
            }
            let is_there = |value: &String| value.eq_ignore_ascii_case(text);
            if texts == 0 || !facts.is_certain() || facts.values.keys().any(is_there) {
                return None;
            }
        } else if texts == 0 && truths + numbers > 0 {
            return match (truths > 0, number) {
                (_, Some(_)) if numbers > 0 => {
                    self.unequal("the values are numbers, and no number equals a text", "leave the quotes out")
                }
                (true, _) => {
                    let hint = match folded(text).as_str() {
                        "true" | "1" | "yes" | "y" | "t" => "write `= true`",
                        "false" | "0" | "no" | "n" | "f" => "write `= false`",
                        _ => "write `= true` or `= false`",
                    };
                    self.unequal("the values are true and false, which no text equals", hint)
                }
                _ => self.unequal("the values are numbers, and no number equals a text", FOR_A_NUMBER),
            };
        } else if facts.values.contains_key(text) {
            return None;
        }
        if texts == 0 {
            let is_json = text.trim_start().starts_with(['[', '{']);
            return if is_json { None } else { self.unequal("the values are lists or objects", self.in_lists(text)) };
        }
        if !facts.is_certain() {
            return None;
        }
        if numbers > 0 && number.is_some() {
            return self.unequal("of the values some are numbers, and no number equals a text", FOR_A_NUMBER);
        }
        let why = format!("{} has this value", nobody(facts));
        let values = || facts.values.keys().map(String::as_str);
        let same = values().find(|value| folded(value) == folded(text));
        let hint = match same.or_else(|| nearest(text, values())) {
            Some(near) if same.is_some() => {
                format!("did you mean `'{}'`? Texts are equal only to the letter", shown(near))
            }
            Some(near) => format!("did you mean `'{}'`?", shown(near)),
            None if lists > texts => self.in_lists(text),
            None => self.listed(),
        };
        self.unequal(why, hint)
    }

    /// How to look into lists.
    fn in_lists(&self, text: &str) -> String {
        let Operand { part, steps, .. } = &self.compared.operand;
        let (path, text) = (steps.join("."), shown(text).replace('\'', "''"));
        format!("look into the list: `exists (select 1 from json_each({part}, '$.{path}') where value = '{text}')`")
    }

    /// The values, where they are a choice of a few.
    fn listed(&self) -> String {
        let Facts { values, texts, is_cut, .. } = self.facts;
        let is_choice = !is_cut && values.len() <= VALUES_SHOWN && *texts >= 2 * values.len() as u64;
        if !is_choice || values.is_empty() {
            return "`enroute plan --values` shows some of the values".to_owned();
        }
        let values: Vec<String> = values.keys().map(|value| format!("'{}'", shown(value))).collect();
        format!("there are: {}", values.join(", "))
    }

    fn order(&self, literal: &Literal) -> Option<Doubt> {
        let Facts { truths, numbers, texts, .. } = *self.facts;
        let doubt = |why: String, hint: &str| {
            Some(Doubt::new(format!("`{}` does not compare by value: {why}", self.text), hint))
        };
        match literal {
            Literal::Number(_) if texts > 0 => {
                let who = if numbers == 0 {
                    "the values are texts".to_owned()
                } else {
                    format!("{texts} profiles have a text")
                };
                doubt(format!("{who}, and a text is greater than every number"), FOR_A_NUMBER)
            }
            Literal::Text(text) if numbers + truths > 0 && (texts == 0 || text.trim().parse::<f64>().is_ok()) => {
                let why = "the values are numbers, and a number is less than every text".to_owned();
                doubt(why, "leave the quotes out, or turn the value into a text with `cast(… as text)`")
            }
            _ => None,
        }
    }

    fn like(&self, literal: &Literal) -> Option<Doubt> {
        let Literal::Text(pattern) = literal else { return None };
        let facts = self.facts;
        let is_judged = facts.texts > 0 && facts.numbers + facts.truths + facts.lists == 0;
        if !is_judged || facts.is_cut || facts.values.keys().any(|value| is_like(value, pattern)) {
            return None;
        }
        let is_whole = !pattern.contains(['%', '_']);
        let hint = match nearest(pattern, facts.values.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `'{}'`?", shown(near)),
            None if is_whole => "`like` compares the whole text: `%` stands for any letters".to_owned(),
            None => self.listed(),
        };
        self.unequal(format_args!("{} has a value like this", nobody(facts)), hint)
    }

    fn truth(&self) -> Option<Doubt> {
        let Facts { truths, numbers, texts, .. } = *self.facts;
        let words = |value: &String| value.trim().parse::<f64>().is_err();
        if truths + numbers > 0 || texts == 0 || !self.facts.values.keys().all(words) {
            return None;
        }
        let message =
            format!("`{}` does not look at the value: the values are texts, and all of them count as false", self.text);
        Some(Doubt::new(message, "compare with the text that it is, such as `= 'true'`"))
    }

    /// A comparison with what `->` gives.
    fn json(&self, literal: &Literal) -> Option<Doubt> {
        let why = "`->` gives JSON, in which a text stands in double quotes";
        let facts = self.facts;
        let hint = "write `->>` in place of `->`";
        let is_equality = self.compared.relation == Relation::Equal;
        match literal {
            Literal::Null => None,
            Literal::Number(_) | Literal::Truth(_) if is_equality => {
                self.unequal("`->` gives JSON, which is a text and equals no number", hint)
            }
            Literal::Number(_) | Literal::Truth(_) => {
                let message = format!("`{}` does not compare by value: `->` gives JSON, which is a text", self.text);
                Some(Doubt::new(message, hint))
            }
            Literal::Text(text) if self.compared.relation == Relation::Like => {
                let can_begin = text.starts_with(['%', '_', '"', '[', '{']) || facts.texts == 0;
                if can_begin { None } else { self.unequal(why, hint) }
            }
            Literal::Text(text) if is_equality => {
                let is_possible = match serde_json::from_str::<serde_json::Value>(text) {
                    Ok(serde_json::Value::String(inner)) => facts.values.contains_key(&inner) || !facts.is_certain(),
                    Ok(serde_json::Value::Bool(_)) => facts.truths > 0,
                    Ok(serde_json::Value::Number(_)) => facts.numbers > 0,
                    Ok(serde_json::Value::Null) => true,
                    Ok(_) => facts.lists > 0,
                    Err(_) => false,
                };
                if is_possible { None } else { self.unequal(why, hint) }
            }
            Literal::Text(_) => None,
        }
    }

    /// A comparison with what `json_type` gives.
    fn type_name(&self, literal: &Literal) -> Option<Doubt> {
        let Literal::Text(text) = literal else { return None };
        if TYPES.contains(&text.as_str()) {
            return None;
        }
        let hint = match folded(text).as_str() {
            "bool" | "boolean" => "write `in ('true', 'false')`".to_owned(),
            "number" | "float" | "double" => "write `in ('integer', 'real')`".to_owned(),
            "int" => "write `'integer'`".to_owned(),
            "string" => "write `'text'`".to_owned(),
            "list" => "write `'array'`".to_owned(),
            _ => format!("there are: {}", TYPES.join(", ")),
        };
        self.unequal("`json_type` gives no such word", hint)
    }
}

/// Whether a text is like a pattern, as SQLite compares: by ASCII letters without case.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    // What matches so far, by the length of the pattern that was used.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for sign in pattern {
        let mut next = vec![false; text.len() + 1];
        let mut is_open = false;
        for (at, place) in next.iter_mut().enumerate() {
            let before = at.checked_sub(1);
            let was = |at: usize| reached.get(at).copied().unwrap_or_default();
            is_open |= was(at);
            *place = match sign {
                '%' => is_open,
                '_' => before.is_some_and(was),
                sign => before.is_some_and(|before| {
                    was(before) && text.get(before).is_some_and(|char| char.eq_ignore_ascii_case(&sign))
                }),
            };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

/// A piece of text as a message may show it: on one line, and not without end.
fn shown(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if text.trim() == text { words } else { text.to_owned() };
    let mut shown: String = text.chars().take(CHARS_SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(CHARS_SHOWN).is_some() {
        shown.push('…');
    }
    shown.replace("\\'", "'").replace("\\\"", "\"")
}
