-- Where a connection puts members, and what they can be reached with there once its settings are others or gone.
create table place (
    connection integer primary key,
    mapping text not null,       -- the mapping's name; an earlier place has another one in `connection`
    plugin text not null,        -- its id
    target text not null,        -- JSON: what names the place
    audience_key text not null,  -- as the plugin was told …
    audience_name text not null, -- … both
    settings text not null,      -- JSON, with defaults
    fields text not null,        -- JSON: the identifier fields
    sends_exits integer not null,
    definition blob not null,    -- hash of the audience's definition
    earlier integer,             -- an earlier place of its connection: counted from 1, the newest is the highest
    gone integer not null default 0 -- whether a run did not find it in the configuration
) strict;
create index place_by_target on place (target);
