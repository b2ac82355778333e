-- Secrets that somebody gave us to keep, sealed by whoever writes them.
create table secret (
    name text primary key,
    sealed blob not null,
    at_ms integer not null
) strict, without rowid;
