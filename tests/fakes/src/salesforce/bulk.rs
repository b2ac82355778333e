//! Bulk API 2.0: jobs that are made, filled once, closed, worked on and asked about.

use serde_json::{Map, Value, json};

use super::records::{Effects, Store};
use super::schema::{Field, Kind, Refusal};
use super::{csv, fault, text};
use crate::server::{Recorded, Reply};

/// Salesforce, "Bulk API limits": 100 MB; the server here takes less anyway.
const UPLOAD_BYTES_MAX: usize = 100_000_000;

/// Salesforce, "Bulk API limits": characters of a field.
const CELL_CHARS_MAX: usize = 32_000;

/// Salesforce, "Bulk API limits": characters of a record.
const ROW_CHARS_MAX: usize = 400_000;

/// Salesforce, "Bulk API limits": characters of the first row.
const HEADER_CHARS_MAX: usize = 32_000;

/// What can be read of a job that has ended.
const LISTS: [&str; 3] = ["successfulResults", "failedResults", "unprocessedRecords"];

/// What clears a field; an empty cell leaves it alone.
const CLEARED: &str = "#N/A";

/// All jobs of an org.
#[derive(Debug)]
pub(super) struct Jobs {
    jobs: Vec<Job>,
    polls: u32,
}

#[derive(Debug)]
struct Job {
    id: String,
    object: String,
    key: String,
    assigns: bool,
    state: &'static str,
    rows: Option<String>,
    polls_left: u32,
    processed: usize,
    error: String,
    header: Vec<String>,
    succeeded: Vec<Vec<String>>,
    failed: Vec<Vec<String>>,
}

impl Jobs {
    pub(super) const fn new(polls: u32) -> Self {
        Self { jobs: Vec::new(), polls }
    }

    pub(super) fn states(&self) -> Vec<String> {
        self.jobs.iter().map(|job| job.state.to_owned()).collect()
    }

    /// Answers a request below `/jobs/ingest`.
    pub(super) fn answer(&mut self, path: &[&str], request: &Recorded, store: &mut Store) -> Reply {
        let (method, polls) = (request.method.as_str(), self.polls);
        if let ("POST", [] | [""]) = (method, path) {
            return self.make(request, store);
        }
        let Some(job) = path.first().and_then(|id| self.jobs.iter_mut().find(|job| job.id == *id)) else {
            return fault(404, "NOT_FOUND", "The requested resource does not exist");
        };
        match (method, path) {
            ("PUT", [_, "batches"]) => job.fill(request),
            ("PATCH", [_]) => job.move_on(request, polls),
            ("GET", [_]) => {
                job.work(store);
                Reply::json(200, &job.shown())
            }
            // Pages and libraries write the last one as `unprocessedrecords` and as `unprocessedRecords`.
            ("GET", [_, list]) if LISTS.iter().any(|known| known.eq_ignore_ascii_case(list)) => job.list(list),
            ("DELETE", [_]) if job.state != "InProgress" => {
                let id = job.id.clone();
                self.jobs.retain(|job| job.id != id);
                Reply::empty(204)
            }
            _ => fault(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed"),
        }
    }

    fn make(&mut self, request: &Recorded, store: &Store) -> Reply {
        let Some(Value::Object(body)) = request.json().filter(|_| request.declares_json()) else {
            return fault(400, "JSON_PARSER_ERROR", "The HTTP entity body is not what was expected");
        };
        let known = [
            "object",
            "operation",
            "externalIdFieldName",
            "contentType",
            "lineEnding",
            "columnDelimiter",
            "assignmentRuleId",
        ];
        if let Some(other) = body.keys().find(|name| !known.contains(&name.as_str())) {
            return fault(400, "JSON_PARSER_ERROR", &format!("Unrecognized field \"{other}\""));
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let form = [("contentType", "CSV"), ("lineEnding", "LF"), ("columnDelimiter", "COMMA")];
        if form.iter().any(|(name, only)| !matches!(text(name), "") && text(name) != *only) {
            return fault(400, "INVALIDJOB", "this fake reads CSV with LF and commas only");
        }
        // Salesforce, "Create a job": only an upsert has an external id field.
        if text("operation") != "upsert" || text("externalIdFieldName").is_empty() {
            return fault(400, "INVALIDJOB", "this fake upserts, which needs externalIdFieldName");
        }
        let Some(object) = store.object(text("object")) else {
            return fault(400, "INVALIDENTITY", "the object is unknown");
        };
        let Some(key) = object.field(text("externalIdFieldName")).filter(|field| field.external_id) else {
            return fault(400, "INVALIDJOB", "InvalidJob : Field name provided is not an External ID or indexed field");
        };
        let job = Job {
            id: format!("750{:012}AAA", self.jobs.len() + 1),
            object: object.name.clone(),
            key: key.name.clone(),
            assigns: body.contains_key("assignmentRuleId"),
            state: "Open",
            rows: None,
            polls_left: 0,
            processed: 0,
            error: String::new(),
            header: Vec::new(),
            succeeded: Vec::new(),
            failed: Vec::new(),
        };
        let shown = job.shown();
        self.jobs.push(job);
        Reply::json(200, &shown)
    }
}

impl Job {
    fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id, "object": self.object, "operation": "upsert", "state": self.state,
            "externalIdFieldName": self.key, "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA",
            "contentUrl": format!("services/data/v67.0/jobs/ingest/{}/batches", self.id),
            "numberRecordsProcessed": self.processed, "numberRecordsFailed": self.failed.len(),
            // Salesforce, "Job Info": this fake has no clock, and one user.
            "createdById": "005000000000001AAA", "createdDate": "2026-11-01T10:00:00.000+0000",
            "systemModstamp": "2026-11-01T10:00:09.000+0000", "apiVersion": 67.0, "jobType": "V2Ingest",
            "concurrencyMode": "Parallel", "retries": 0, "totalProcessingTime": 0, "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
        });
        if let (false, Some(members)) = (self.error.is_empty(), shown.as_object_mut()) {
            members.insert("errorMessage".to_owned(), self.error.as_str().into());
        }
        shown
    }

    /// Takes the rows, once.
    fn fill(&mut self, request: &Recorded) -> Reply {
        if self.state != "Open" || self.rows.is_some() {
            return fault(400, "INVALIDJOBSTATE", "Found multiple contents for job, or it is not open");
        }
        if !request.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")) {
            return fault(400, "INVALIDJOB", "the content type must be text/csv");
        }
        if request.body.len() > UPLOAD_BYTES_MAX {
            return fault(413, "REQUEST_TOO_LARGE", "the upload is too large");
        }
        self.rows = Some(String::from_utf8_lossy(&request.body).into_owned());
        Reply::empty(201)
    }

    fn move_on(&mut self, request: &Recorded, polls: u32) -> Reply {
        let body = request.json().unwrap_or_default();
        match (text(&body, "state"), self.state) {
            ("UploadComplete", "Open") if self.rows.is_some() => {
                self.state = "UploadComplete";
                self.polls_left = polls;
            }
            ("Aborted", "Open" | "UploadComplete" | "InProgress") => self.state = "Aborted",
            _ => return fault(400, "INVALIDJOBSTATE", "the job cannot get into this state"),
        }
        Reply::json(200, &self.shown())
    }

    /// Works on the job while somebody asks: after so many questions it ends.
    fn work(&mut self, store: &mut Store) {
        if !matches!(self.state, "UploadComplete" | "InProgress") {
            return;
        }
        if self.polls_left > 0 {
            self.polls_left -= 1;
            self.state = "InProgress";
            return;
        }
        match self.load(store) {
            Ok(()) => self.state = "JobComplete",
            Err(why) => {
                self.state = "Failed";
                self.error = why;
            }
        }
    }

    fn load(&mut self, store: &mut Store) -> Result<(), String> {
        let rows =
            csv::read(self.rows.as_deref().unwrap_or_default()).map_err(|why| format!("InvalidBatch : {why}"))?;
        let Some((header, rows)) = rows.split_first() else { return Err("InvalidBatch : no header".to_owned()) };
        if header.join(",").chars().count() > HEADER_CHARS_MAX {
            return Err("InvalidBatch : the header is too long".to_owned());
        }
        self.header = header.clone();
        let object = store.object(&self.object).cloned();
        let fields: Vec<Option<Field>> =
            header.iter().map(|name| object.as_ref().and_then(|object| object.field(name)).cloned()).collect();
        if let Some((name, _)) = header.iter().zip(&fields).find(|(name, field)| field.is_none() && !name.contains('.'))
        {
            return Err(format!("InvalidBatch : Field name not found : {name}"));
        }
        for row in rows {
            self.processed += 1;
            match self.write(&fields, row, store) {
                Ok((id, created)) => {
                    self.succeeded.push([vec![id, created.to_string()], row.clone()].concat());
                }
                Err(refusal) => {
                    let error = format!("{}:{}:{} --", refusal.code, refusal.message, refusal.fields.join(","));
                    self.failed.push([vec![String::new(), error], row.clone()].concat());
                }
            }
        }
        Ok(())
    }

    fn write(&self, fields: &[Option<Field>], row: &[String], store: &mut Store) -> Result<(String, bool), Refusal> {
        if row.len() != fields.len() {
            return Err(Refusal::new(
                "INVALID_NUMBER_OF_COLUMNS",
                "the row has another number of cells than the header",
            ));
        }
        let chars = row.iter().map(|cell| cell.chars().count());
        if chars.clone().max() > Some(CELL_CHARS_MAX) || chars.sum::<usize>() > ROW_CHARS_MAX {
            return Err(Refusal::new("STRING_TOO_LONG", "the row is too long"));
        }
        let mut values = Map::new();
        for (field, cell) in fields.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let Some(field) = field else { continue };
            values.insert(field.name.clone(), read(field, cell)?);
        }
        let effects = Effects { assigns: self.assigns, passes_alerts: false };
        let written = store.upsert(&self.object, &self.key, values, effects, true)?;
        written.map(|written| (written.id, written.created)).ok_or_else(|| Refusal::new("NOT_FOUND", "not found"))
    }

    fn list(&self, list: &str) -> Reply {
        if !matches!(self.state, "JobComplete" | "Failed" | "Aborted") {
            return fault(400, "INVALIDJOBSTATE", "the job has not ended");
        }
        let (own, rows): (&[&str], &[Vec<String>]) = match list.to_ascii_lowercase().as_str() {
            "successfulresults" => (&["sf__Id", "sf__Created"], &self.succeeded),
            "failedresults" => (&["sf__Id", "sf__Error"], &self.failed),
            _ => (&[], &[]),
        };
        let header = own.iter().map(|name| (*name).to_owned()).chain(self.header.clone()).collect();
        let table = csv::write(&[vec![header], rows.to_vec()].concat());
        Reply { body: table.into(), ..Reply::empty(200) }.header("content-type", "text/csv")
    }
}

/// A cell as a value of its field.
fn read(field: &Field, cell: &str) -> Result<Value, Refusal> {
    if cell == CLEARED {
        return Ok(Value::Null);
    }
    let value = match field.kind {
        Kind::Boolean => match cell {
            "true" | "TRUE" | "1" => Value::Bool(true),
            "false" | "FALSE" | "0" => Value::Bool(false),
            _ => return Err(Refusal::new("INVALID_TYPE_ON_FIELD_IN_RECORD", "value not of required type")),
        },
        Kind::Integer | Kind::Number => serde_json::from_str(cell)
            .map_err(|_| Refusal::new("INVALID_TYPE_ON_FIELD_IN_RECORD", "value not of required type"))?,
        _ => cell.into(),
    };
    if field.reads(&value) {
        Ok(value)
    } else {
        Err(Refusal::new("INVALID_TYPE_ON_FIELD_IN_RECORD", "value not of required type"))
    }
}
