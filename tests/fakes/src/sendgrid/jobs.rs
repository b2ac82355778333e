//! Jobs: what was accepted, and what became of it.
//!
//! "Import Contacts Status": pending, completed, errored or failed. A job has its effect when it ends. Within a job the
//! order of contacts is not promised, so the last one comes first here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::server::Reply;

use super::contact;
use super::{Account, SIGNATURE, State, error};

/// What a job is to do.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Upsert { lists: Vec<String>, contacts: Vec<Map<String, Value>> },
    Leave { list: String, ids: Vec<String> },
    Delete { ids: Vec<String> },
    Detach { id: String, kind: &'static str, value: String },
}

/// A job, with its results once it has ended.
#[derive(Debug)]
pub(super) struct Job {
    work: Option<Work>,
    kind: &'static str,
    polls_left: u32,
    requested: usize,
    created: usize,
    updated: usize,
    deleted: usize,
    errored: usize,
}

impl Job {
    const fn status(&self) -> &'static str {
        match (&self.work, self.errored) {
            (Some(_), _) => "pending",
            (None, 0) => "completed",
            (None, errored) if errored < self.requested => "errored",
            (None, _) => "failed",
        }
    }
}

impl Account {
    /// Begins a job and answers 202.
    pub(super) fn begin(&self, state: &mut State, work: Work) -> Reply {
        let id = state.new_id();
        let (kind, requested) = match &work {
            Work::Upsert { contacts, .. } => ("upsert", contacts.len()),
            Work::Leave { ids, .. } | Work::Delete { ids } => ("delete", ids.len()),
            Work::Detach { .. } => ("delete", 1),
        };
        let polls_left = self.config.polls_until_done;
        let job = Job { work: Some(work), kind, polls_left, requested, created: 0, updated: 0, deleted: 0, errored: 0 };
        state.jobs.insert(id.clone(), job);
        if polls_left == 0 {
            state.finish(&id);
        }
        Reply::json(202, &json!({ "job_id": id }))
    }

    /// `GET /v3/marketing/contacts/imports/{id}`.
    pub(super) fn job(&self, state: &mut State, id: &str) -> Reply {
        match state.jobs.get_mut(id) {
            None => return error(404, "job not found", Value::Null),
            Some(job) if job.work.is_some() && job.polls_left > 0 => job.polls_left -= 1,
            Some(_) => state.finish(id),
        }
        let Some(job) = state.jobs.get(id) else { return error(404, "job not found", Value::Null) };
        let mut results = json!({
            "requested_count": job.requested,
            "created_count": job.created,
            "updated_count": job.updated,
            "deleted_count": job.deleted,
            "errored_count": job.errored,
        });
        if self.config.errors_files
            && state.files.contains_key(id)
            && let (Some(results), Some(url)) = (results.as_object_mut(), self.files_url.get())
        {
            let signature: String = SIGNATURE.bytes().map(|byte| format!("%{byte:02X}")).collect();
            results.insert("errors_url".to_owned(), format!("{url}/errors/{id}.csv?signature={signature}").into());
        }
        let mut shown =
            json!({ "id": id, "status": job.status(), "job_type": job.kind, "started_at": contact::CREATED_AT });
        if let (None, Some(shown)) = (&job.work, shown.as_object_mut()) {
            shown.insert("results".to_owned(), results);
            shown.insert("finished_at".to_owned(), "2026-11-01T10:00:09Z".into());
        }
        Reply::json(200, &shown)
    }
}

impl State {
    /// Ends a job, if it has not ended.
    pub(super) fn finish(&mut self, id: &str) {
        let Some(mut job) = self.jobs.remove(id) else { return };
        if let Some(work) = job.work.take() {
            match work {
                Work::Upsert { lists, contacts } => self.write_all(id, &mut job, &lists, &contacts),
                Work::Leave { list, ids } => {
                    job.deleted = ids.iter().filter(|id| self.contacts.leave(id, &list)).count();
                }
                Work::Delete { ids } => job.deleted = ids.iter().filter(|id| self.contacts.delete(id)).count(),
                Work::Detach { id, kind, value } => self.detach_now(&mut job, &id, kind, &value),
            }
        }
        self.jobs.insert(id.to_owned(), job);
    }

    fn write_all(&mut self, id: &str, job: &mut Job, lists: &[String], contacts: &[Map<String, Value>]) {
        let mut refused = Vec::new();
        for request in contacts.iter().rev() {
            match self.write(request, lists) {
                Ok(true) => job.created += 1,
                Ok(false) => job.updated += 1,
                Err(why) => refused.push(line(request, &why)),
            }
        }
        job.errored = refused.len();
        if !refused.is_empty() {
            refused.insert(0, "email,external_id,phone_number_id,anonymous_id,error".to_owned());
            self.files.insert(id.to_owned(), refused.join("\r\n"));
        }
    }

    /// Adds or updates a contact; says whether it is new.
    fn write(&mut self, request: &Map<String, Value>, lists: &[String]) -> Result<bool, String> {
        contact::check_customs(request, &self.fields)?;
        let ids = contact::identifiers(request);
        let known = Vec::from_iter(self.contacts.having(&ids));
        // A list that was deleted meanwhile gets nobody.
        let lists: Vec<String> = lists.iter().filter(|id| self.has_list(id)).cloned().collect();
        match known.as_slice() {
            [] => {
                let id = self.new_id();
                self.contacts.update(&id, request, &lists);
                Ok(true)
            }
            [id] => {
                let Some(contact) = self.contacts.get(id) else { return Ok(false) };
                // "Add or Update a Contact": all identifiers that a contact has must be present.
                if !is_part(&contact.ids, &ids) {
                    return Err("all existing identifiers of the contact must be present".to_owned());
                }
                self.contacts.update(id, request, &lists);
                Ok(false)
            }
            _ => Err("the identifiers belong to different contacts".to_owned()),
        }
    }

    /// "Delete a Contact Identifier": a contact keeps at least one.
    fn detach_now(&mut self, job: &mut Job, id: &str, kind: &str, value: &str) {
        let Some(contact) = self.contacts.get(id) else {
            job.errored = 1;
            return;
        };
        if contact.ids.len() < 2 || contact.ids.get(kind).is_none_or(|known| known != value) {
            job.errored = 1;
            return;
        }
        self.contacts.detach(id, kind);
        job.deleted = 1;
    }
}

fn is_part(known: &BTreeMap<String, String>, given: &BTreeMap<String, String>) -> bool {
    known.iter().all(|(kind, id)| given.get(kind) == Some(id))
}

/// A line of the file of errors.
fn line(request: &Map<String, Value>, why: &str) -> String {
    let ids = contact::identifiers(request);
    let cells = ["email", "external_id", "phone_number_id", "anonymous_id"]
        .iter()
        .map(|kind| ids.get(*kind).map_or("", String::as_str))
        .chain([why]);
    let quoted: Vec<String> = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    quoted.join(",")
}
