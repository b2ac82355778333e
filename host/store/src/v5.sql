-- What each destination's account has of its own, as its plugin reported it last.
create table destination_account (
    destination text primary key,
    origin blob not null,     -- hash of plugin and settings that name the account
    read_ms integer not null,
    whole integer not null,   -- whether all of it is kept
    items text not null       -- JSON
) strict, without rowid;
