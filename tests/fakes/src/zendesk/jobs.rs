//! Jobs: taken in at once, carried out when they are asked about often enough.

use serde_json::{Map, Value, json};

use super::fields::Field;
use super::user::{CREATED_AT, Refusal, url};
use super::users::Users;
use super::{Config, State};

/// How the results of a job are written; all of them have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// All that the page "Job Statuses" names, external id and address of each user, in reverse order.
    #[default]
    Keys,
    /// The id of each user and nothing else.
    Ids,
    /// The id and the place in the request.
    Places,
    /// One object for all, where all went well.
    Object,
}

/// All jobs that are known.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    jobs: Vec<Job>,
    begun: usize,
    most_open: usize,
}

/// What a job does.
#[derive(Debug, Clone)]
pub(super) enum Work {
    /// Creates or updates each of these.
    Upsert(Vec<Value>),
    /// Updates each of these users by what stands beside it.
    Update(Vec<(u64, Map<String, Value>)>),
}

#[derive(Debug)]
struct Job {
    id: String,
    work: Work,
    asked: u32,
    /// How it ended and its results, once it has.
    end: Option<(&'static str, Value)>,
    is_killed: bool,
}

impl Jobs {
    /// Zendesk, "Job Statuses": at most 30 jobs of an account are queued or running.
    pub(super) fn begin(&mut self, work: Work, config: &Config) -> Option<Value> {
        if self.open() >= config.jobs_max {
            return None;
        }
        self.begun += 1;
        let is_killed = self.begun <= config.jobs_killed;
        let id = format!("V3-fake{:08}", self.begun);
        self.jobs.push(Job { id, work, asked: 0, end: None, is_killed });
        self.most_open = self.most_open.max(self.open());
        self.jobs.last().map(Job::to_json)
    }

    pub(super) fn open(&self) -> usize {
        self.jobs.iter().filter(|job| job.end.is_none()).count()
    }

    pub(super) fn most_open(&self) -> usize {
        self.most_open
    }

    pub(super) fn forget(&mut self) {
        self.jobs.clear();
    }
}

impl Job {
    fn total(&self) -> usize {
        match &self.work {
            Work::Upsert(users) => users.len(),
            Work::Update(users) => users.len(),
        }
    }

    fn to_json(&self) -> Value {
        let (status, results) = match (&self.end, self.asked) {
            (Some((status, results)), _) => (*status, results.clone()),
            (None, 0) => ("queued", Value::Null),
            (None, _) => ("working", Value::Null),
        };
        json!({
            "id": self.id, "job_type": "Bulk Users", "status": status, "total": self.total(),
            "progress": if self.end.is_some() { json!(self.total()) } else { Value::Null },
            "message": self.end.as_ref().map(|_| format!("Completed at {CREATED_AT}")), "results": results,
            "url": url(&format!("job_statuses/{}", self.id)),
        })
    }
}

/// Asks about a job, which goes on by that. None where it is not known (any more).
pub(super) fn ask(state: &mut State, id: &str, config: &Config) -> Option<Value> {
    let State { jobs, users, fields, .. } = state;
    let job = jobs.jobs.iter_mut().find(|job| job.id == id)?;
    job.asked = job.asked.saturating_add(1);
    if job.end.is_none() && job.asked > config.job_asks {
        job.end = Some(if job.is_killed {
            ("killed", Value::Null)
        } else {
            ("completed", carry_out(&job.work, users, fields, config))
        });
    }
    Some(job.to_json())
}

fn carry_out(work: &Work, users: &mut Users, fields: &[Field], config: &Config) -> Value {
    let mut results = match work {
        Work::Upsert(list) => {
            list.iter().enumerate().map(|(place, said)| upserted(users, said, place, fields, config)).collect()
        }
        Work::Update(list) => updated(users, list, fields, config),
    };
    let is_well = |result: &Value| result.get("error").is_none();
    if config.results == Shape::Object && results.iter().all(is_well) {
        return json!({"success": true});
    }
    if config.results == Shape::Keys && matches!(work, Work::Upsert(_)) {
        results.reverse();
    }
    results.truncate(results.len().saturating_sub(config.results_missing));
    Value::Array(results)
}

fn upserted(users: &mut Users, said: &Value, place: usize, fields: &[Field], config: &Config) -> Value {
    let given = |name: &str| said.get(name).cloned().unwrap_or_default();
    match users.upsert(said, fields, config) {
        Ok(written) => {
            let (status, action) = if written.is_new { ("Created", "create") } else { ("Updated", "update") };
            match config.results {
                Shape::Keys | Shape::Object => json!({
                    "id": written.id, "index": place, "action": action, "status": status, "success": true,
                    "external_id": given("external_id"), "email": given("email"),
                }),
                Shape::Ids => json!({"id": written.id, "status": status}),
                Shape::Places => json!({"id": written.id, "index": place}),
            }
        }
        Err(refusal) => failed(&refusal, &given("external_id"), &given("email"), place, config),
    }
}

/// An entry of somebody who was refused; the id in it was once seen to be 1, which is nobody's.
fn failed(refusal: &Refusal, external_id: &Value, email: &Value, place: usize, config: &Config) -> Value {
    let mut entry = json!({
        "id": 1, "status": "Failed", "success": false, "error": "UserInvalid", "details": refusal.sentence()
    });
    if let Some(members) = entry.as_object_mut() {
        match config.results {
            Shape::Keys | Shape::Object => {
                members.insert("index".to_owned(), place.into());
                members.insert("external_id".to_owned(), external_id.clone());
                members.insert("email".to_owned(), email.clone());
            }
            Shape::Places => {
                members.insert("index".to_owned(), place.into());
            }
            Shape::Ids => {}
        }
    }
    entry
}

/// Updates name nobody but by Zendesk's own id; who is not there has no entry.
fn updated(users: &mut Users, list: &[(u64, Map<String, Value>)], fields: &[Field], config: &Config) -> Vec<Value> {
    let one = |(id, said): &(u64, Map<String, Value>)| {
        Some(match users.update(*id, said, fields, config)? {
            Ok(()) => json!({"id": id, "action": "update", "status": "Updated", "success": true}),
            Err(refusal) => json!({
                "id": id, "action": "update", "status": "Failed", "success": false, "error": "UserInvalid",
                "details": refusal.sentence()
            }),
        })
    };
    list.iter().filter_map(one).collect()
}
