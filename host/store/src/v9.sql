-- Sources of profiles, as they were when they were last read to their end.
create table feed (
    source text primary key,
    digest text not null,               -- keyed hash of what is read: another file, server or query is another thing
    columns text not null default '{}', -- JSON: how many rows had a value in each column
    rows integer not null default 0,
    read_ms integer,                    -- when it was last read to its end …
    full_ms integer,                    -- … and when all of it was
    as_of_ms integer,                   -- the moment that the snapshot itself is of
    cursor text,                        -- the greatest value seen, as the server writes it
    members blob                        -- roaring: whom it holds
) strict, without rowid;
