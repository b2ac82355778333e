-- Members who are sent again though nothing of them has changed, because an operator asked for it.
alter table held add column again integer not null default 0;
create index held_again on held (connection) where again;

-- Which resync is under way: 'all' or 'stale'. It ends with the last member who is to be sent again.
alter table connection add column resync text;

-- Every version of what decides what is sent of a member.
create table settings_version (
    connection integer not null,
    version integer not null,
    digest blob not null,
    first_ms integer, -- none for those of before versions were kept
    decides text,     -- what decides, JSON
    written text,     -- the connection as audiences.toml had it, TOML
    primary key (connection, version)
) strict, without rowid;
insert into settings_version (connection, version, digest)
select id, settings_version, settings_digest from connection where settings_digest is not null;
