-- What a ledger that was restored from a backup has to settle with the outside before it goes on, and what a purge does.

-- One row a restore. The engine stands still while the newest has no approval: by an operator who did not propose it,
-- or by the engine itself where nothing was answered that this ledger does not have.
create table engine.recoveries (
    recovery_id integer primary key generated always as identity,
    target      text not null,
    backup      text not null,
    restored_to timestamptz not null,
    restored_by text not null,
    restored_at timestamptz not null default now(),
    difference  bytea check (octet_length(difference) = 32),
    reason      text,
    proposed_by text,
    proposed_at timestamptz,
    approved_by text,
    approved_at timestamptz,
    constraint four_eyes check (approved_by is null or proposed_by is null or approved_by <> proposed_by)
);
comment on column engine.recoveries.target is 'latest, or the moment that was asked for';
comment on column engine.recoveries.restored_to is 'when the last transaction that this ledger has was committed';
comment on column engine.recoveries.difference is 'SHA-256 of the difference that was proposed to be accepted';

-- What the outside was told before a restore and this ledger has forgotten; ``digest`` leaves moments out, so that the
-- same answer, made anew, is known and not sent a second time.
create table engine.answered (
    recovery_id integer not null references engine.recoveries,
    writer_no   smallint not null,
    seq         bigint not null,
    payment_id  uuid not null,
    topic       text not null,
    type        text not null,
    digest      uuid not null,
    at          timestamptz not null,
    primary key (writer_no, seq)
);

-- Numbers that the outside has seen on answers which this ledger has forgotten: never given again.
create table engine.skipped_numbers (
    recovery_id integer not null references engine.recoveries,
    writer_no   smallint not null,
    first_seq   bigint not null,
    last_seq    bigint not null check (last_seq >= first_seq),
    primary key (writer_no, first_seq)
);

-- One row a purge: what was emptied, by whom. Digests, offsets and everything of the ledger stay.
create table engine.purges (
    purge_id  integer primary key generated always as identity,
    before    date not null,
    purged_by text not null,
    purged_at timestamptz not null default now(),
    messages  bigint not null,
    answers   bigint not null,
    cases     bigint not null
);

-- History may be emptied of content by a purge and by nothing else: the owner's function below, which the roles of the
-- engine may not call, keeps every other column as it was.
create function engine.refuse_change_but_purge() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and current_setting('qenex.purge', true) = 'on' and current_user = (
        select rolname from pg_roles r join pg_class c on c.relowner = r.oid where c.oid = tg_relid)
        and to_jsonb(new) - tg_argv[0] - 'span' = to_jsonb(old) - tg_argv[0] - 'span' then
        return new;
    end if;
    raise exception '%.% is history: % is refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'restrict_violation', hint = 'correct a wrong entry with a new one';
end
$$;
drop trigger append_only on engine.archive;
drop trigger append_only on engine.outbox;
create trigger append_only before update or delete on engine.archive
    for each row execute function engine.refuse_change_but_purge('body');
create trigger append_only before update or delete on engine.outbox
    for each row execute function engine.refuse_change_but_purge('payload');

do $$
declare t text;
begin
    foreach t in array array['answered', 'skipped_numbers', 'purges'] loop
        execute format('create trigger append_only before update or delete on engine.%I for each row execute function ledger.refuse_change()', t);
        execute format('create trigger no_truncate before truncate on engine.%I execute function ledger.refuse_change()', t);
    end loop;
end
$$;

grant select on engine.recoveries, engine.answered, engine.skipped_numbers, engine.purges to qenex_writer, qenex_reader;
grant insert on engine.answered, engine.skipped_numbers to qenex_writer;
grant update (difference, reason, proposed_by, proposed_at, approved_by, approved_at) on engine.recoveries to qenex_writer;
